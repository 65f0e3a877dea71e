// The one place that names the test framework (Catch2 v2).
#pragma once
#include <catch2/catch.hpp>
