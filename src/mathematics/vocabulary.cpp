#include "mathematics/vocabulary.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace sil::mathematics {
namespace {

using Kind = Token::Kind;

struct Entry {
  std::string_view written;
  Meaning meaning;
};

constexpr Meaning kNothing{Kind::end, ""};
constexpr Meaning mark(std::string_view text) {
  return {Kind::mark, text};
}
constexpr Meaning symbol(std::string_view text) {
  return {Kind::symbol, text};
}
constexpr Meaning function(std::string_view text) {
  return {Kind::function, text};
}

// Commands that do not mean themselves.
constexpr Entry kCommands[] = {
    {"left", kNothing},
    {"right", kNothing},
    {"big", kNothing},
    {"Big", kNothing},
    {"bigl", kNothing},
    {"bigr", kNothing},
    {"displaystyle", kNothing},
    {"limits", kNothing},
    {"quad", kNothing},
    {"qquad", kNothing},
    {",", kNothing},
    {";", kNothing},
    {":", kNothing},
    {"!", kNothing},
    {" ", kNothing},
    {"$", kNothing},
    {"(", kNothing},
    {")", kNothing},
    {"[", kNothing},
    {"]", kNothing},
    {"boxed", kNothing},
    {"overline", kNothing},
    {"fbox", kNothing},
    {"%", mark("%")},
    {"{", mark("\\{")},
    {"}", mark("\\}")},
    {"lbrace", mark("\\{")},
    {"rbrace", mark("\\}")},
    {"\\", mark("\\\\")},
    {"&", mark("&")},
    {"lvert", mark("|(")},
    {"rvert", mark("|)")},
    {"vert", mark("|")},
    {"mid", mark("|")},
    {"|", mark("|")},
    {"lfloor", mark("floor(")},
    {"rfloor", mark("floor)")},
    {"lceil", mark("ceil(")},
    {"rceil", mark("ceil)")},
    {"cdot", mark("*")},
    {"times", mark("*")},
    {"ast", mark("*")},
    {"div", mark("/")},
    {"pm", mark("+-")},
    {"le", mark("<=")},
    {"leq", mark("<=")},
    {"leqslant", mark("<=")},
    {"ge", mark(">=")},
    {"geq", mark(">=")},
    {"geqslant", mark(">=")},
    {"lt", mark("<")},
    {"gt", mark(">")},
    {"ne", mark("!=")},
    {"neq", mark("!=")},
    {"in", mark("in")},
    {"cup", mark("union")},
    {"setminus", mark("minus")},
    {"backslash", mark("minus")},
    {"land", mark(",")},
    {"lor", mark("or")},
    {"wedge", mark(",")},
    {"vee", mark("or")},
    {"mod", mark("mod")},
    {"bmod", mark("mod")},
    {"circ", mark("degree")},
    {"degree", mark("degree")},
    {"infty", symbol("infinity")},
    {"emptyset", mark("empty")},
    {"varnothing", mark("empty")},
    {"begin", mark("begin")},
    {"end", mark("end")},
    {"frac", function("frac")},
    {"dfrac", function("frac")},
    {"tfrac", function("frac")},
    {"cfrac", function("frac")},
    {"binom", function("binom")},
    {"dbinom", function("binom")},
    {"tbinom", function("binom")},
    {"varphi", symbol("phi")},
    {"varepsilon", symbol("epsilon")},
    {"prime", symbol("'")},
};

constexpr std::string_view kGreek[] = {
    "alpha", "beta",  "gamma", "delta", "epsilon", "zeta",  "eta", "theta", "iota",  "kappa", "lambda",
    "mu",    "nu",    "xi",    "pi",    "rho",     "sigma", "tau", "phi",   "chi",   "psi",   "omega",
    "Gamma", "Delta", "Theta", "Xi",    "Pi",      "Sigma", "Phi", "Psi",   "Omega", "ell",   "upsilon"};

constexpr std::string_view kFunctions[] = {"sin",    "cos",  "tan",  "cot",  "sec", "csc", "arcsin", "arccos",
                                           "arctan", "sinh", "cosh", "tanh", "ln",  "log", "exp",    "sqrt"};

constexpr std::string_view kTypeFaces[] = {"text",   "mathrm",       "textbf",    "textit", "textrm",
                                           "mathbf", "mathit",       "mathsf",    "texttt", "mbox",
                                           "mathbb", "operatorname", "boldsymbol"};

// Runs of two or three letters that are no product of variables.
constexpr std::string_view kShortWords[] = {
    "cm",  "mm",  "km",  "dm",  "nm",  "ml",  "mL",  "cl",  "kg",  "mg",  "lb",  "lbs", "oz",  "ft",  "yd",  "mi",
    "hr",  "hrs", "min", "sec", "day", "ms",  "mph", "kmh", "kph", "per", "usd", "USD", "EUR", "GBP", "Hz",  "kHz",
    "kW",  "kWh", "kJ",  "cal", "gal", "pt",  "qt",  "mol", "rad", "deg", "sq",  "cu",  "no",  "No",  "yes", "Yes",
    "odd", "the", "is",  "of",  "are", "was", "for", "men", "NaN", "nan", "inf", "one", "two", "six", "ten", "AM",
    "PM",  "am",  "pm",  "NO",  "YES", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "red", "won", "yen", "new"};

constexpr Entry kLetters[] = {
    {"infty", symbol("infinity")},
    {"infinity", symbol("infinity")},
    {"pi", symbol("pi")},
    {"mod", mark("mod")},
    {"and", mark(",")},
    {"or", mark("or")},
    {"degree", mark("degree")},
    {"degrees", mark("degree")},
    {"percent", mark("%")},
    {"theta", symbol("theta")},
    {"alpha", symbol("alpha")},
    {"beta", symbol("beta")},
};

// Longer signs stand before those that they begin with.
constexpr Entry kSigns[] = {
    {"**", mark("^")},
    {"<=", mark("<=")},
    {">=", mark(">=")},
    {"!=", mark("!=")},
    {"+/-", mark("+-")},
    {"==", mark("=")},
    {"+", mark("+")},
    {"-", mark("-")},
    {"*", mark("*")},
    {"/", mark("/")},
    {"^", mark("^")},
    {"_", mark("_")},
    {"(", mark("(")},
    {")", mark(")")},
    {"[", mark("[")},
    {"]", mark("]")},
    {"{", mark("{")},
    {"}", mark("}")},
    {",", mark(",")},
    {";", mark(",")},
    {"=", mark("=")},
    {"<", mark("<")},
    {">", mark(">")},
    {"!", mark("!")},
    {"|", mark("|")},
    {"%", mark("%")},
    {"&", mark("&")},
    {":", mark(":")},
    {"'", symbol("'")},
    {"$", kNothing},
    {"~", kNothing},
    {"\xC2\xA0", kNothing},
    {"€", kNothing},
    {"£", kNothing},
    {"¥", kNothing},
    {"−", mark("-")},
    {"–", mark("-")},
    {"×", mark("*")},
    {"·", mark("*")},
    {"⋅", mark("*")},
    {"÷", mark("/")},
    {"±", mark("+-")},
    {"≤", mark("<=")},
    {"≥", mark(">=")},
    {"≠", mark("!=")},
    {"∞", symbol("infinity")},
    {"π", symbol("pi")},
    {"θ", symbol("theta")},
    {"°", mark("degree")},
    {"√", function("sqrt")},
    {"∪", mark("union")},
    {"∅", mark("empty")},
    {"∈", mark("in")},
    {"\xE2\x80\x89", kNothing},
    {"\xE2\x80\xAF", kNothing},
};

template <size_t N>
bool holds(const std::string_view (&list)[N], std::string_view text) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

using Table = std::map<std::string_view, Meaning>;

template <size_t N>
void add(Table& table, const Entry (&entries)[N]) {
  for (const Entry& entry : entries) table.emplace(entry.written, entry.meaning);
}

Table command_table() {
  Table table;
  add(table, kCommands);
  for (std::string_view name : kGreek) table.emplace(name, symbol(name));
  for (std::string_view name : kFunctions) table.emplace(name, function(name));
  return table;
}

Table letter_table() {
  Table table;
  add(table, kLetters);
  for (std::string_view name : kFunctions) table.emplace(name, function(name));
  for (std::string_view word : kShortWords) table.emplace(word, Meaning{Kind::word, word});
  return table;
}

const Meaning* look_up(const Table& table, std::string_view text) {
  const auto found = table.find(text);
  return found == table.end() ? nullptr : &found->second;
}

}  // namespace

const Meaning* meaning_of_command(std::string_view name) {
  static const Table table = command_table();
  return look_up(table, name);
}

const Meaning* meaning_of_sign(std::string_view text, size_t& length) {
  for (const Entry& entry : kSigns) {
    if (!text.starts_with(entry.written)) continue;
    length = entry.written.size();
    return &entry.meaning;
  }
  return nullptr;
}

const Meaning* meaning_of_letters(std::string_view letters) {
  static const Table table = letter_table();
  return look_up(table, letters);
}

bool is_type_face(std::string_view command) {
  return holds(kTypeFaces, command);
}

bool is_unit_letter(std::string_view letter) {
  return letter.size() == 1 && std::string_view("mgshLlVWNJKCFA").find(letter) != std::string_view::npos;
}

}  // namespace sil::mathematics
