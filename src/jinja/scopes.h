// Which variable a name means. Jinja decides it before a template runs (jinja2/idtracking.py, 3.1.6): each loop, macro,
// block and {% with %} has a frame; what is set in it is seen inside it alone; and a name that is set anywhere in a
// frame is that frame's own from its beginning, whatever the caller's variables hold.
#pragma once

#include "jinja/ast.h"
#include "sil/error.h"

namespace sil::jinja {

// Gives every name its slot and every statement its frames. Throws Error(Exit::unreadable) for a loop that sets `loop`
// and for filters and tests that there are not.
Tree resolve_names(Body body, const Place& where);

}  // namespace sil::jinja
