#!/usr/bin/env python3
"""Writes tests/jinja/golden.jsonl: what Jinja2 3.1.6, set up as `transformers` does, makes of small templates.

Run with CPython 3.11 and the PyPI package jinja2==3.1.6: make_golden.py [OUTPUT]. A row: template, variables, kind (text,
refusal of raise_exception, failure) and the text or the refusal's message.
"""
import datetime
import json
import pathlib
import sys

import jinja2
import jinja2.ext
import jinja2.nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2024, 7, 26, 9, 5, 3)


class Refused(Exception):
    pass


def raise_exception(message):
    raise Refused(message)


class Generation(jinja2.ext.Extension):
    """{% generation %} prints its body."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_print"), [], [], body).set_lineno(line)

    def _print(self, caller):
        return caller()


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    out = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[Generation, jinja2.ext.loopcontrols])
    out.filters["tojson"] = tojson
    out.globals["raise_exception"] = raise_exception
    out.globals["strftime_now"] = NOW.strftime
    return out


ENVIRONMENT = environment()


def render(template, variables):
    """(kind, text)"""
    try:
        return "text", ENVIRONMENT.from_string(template).render(**variables)
    except Refused as refused:
        return "refusal", str(refused)
    except Exception as failure:  # Python's own errors are what is looked for
        return "failure", f"{type(failure).__name__}: {failure}"


VARIABLES = {
    "s": "Hello, World", "u": "Grüße ΑΣ ß 日本 😀", "blank": "  \t pad \n", "empty": "", "n": 7, "z": 0, "neg": -7,
    "f": 2.5, "big": 1e16, "yes": True, "no": False, "nil": None, "nums": [3, 1, 2], "words": ["b", "A", "c", "a"],
    "none": [], "d": {"b": 2, "a": 1, "items": "x"}, "deep": {"x": {"y": [1, {"z": "!"}]}},
    "people": [{"name": "Ann", "age": 30, "city": "Rome"}, {"name": "bob", "age": 25, "city": "Oslo"},
               {"name": "Cy", "age": 30}],
    "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "hi"},
                 {"role": "assistant", "content": "<think>a</think>b", "tool_calls": []},
                 {"role": "user", "content": None}],
    "quote": "it's \"q\" \\ \n\t\x7f\u00ad", "html": "<a href='x'>&amp;</a>", "lines": "one\n\n  two\r\nthree",
}

TEXT = [
    "a{{ 1 }}b\n", "x\n\n", "a\r\nb\r", "{ {a} }} {a}", "{# c #}x", "a {#- c -#} b", "  {# c #}\nx", "{#\n#}\n\nx", "a\n  {#- c #}\n b",
    "  {% if yes %}\n  x\n  {% endif %}\ny", "a  {% if yes %}  b  {% endif %}  c", "a\n  {%- if yes %}  b  {%- endif -%}  \n\n c",
    "  {%+ if yes %}x{% endif %}", "{% if yes +%}\nx{% endif +%}\ny", "  {{ n }}\n  {{- n }}\n {{ n -}} \n x", "{% raw %}{{ x }}{% if %}{% endraw %}\ny",
    "a\n  {%- raw -%}  \n {{ x }} \n {%- endraw -%}\n b", "  {% raw %}\n a\n  {% endraw %}\nb", "{% raw %}a {% endraw +%}\nb", "\u00a0{%- if yes %}x{% endif -%}\u2003y",
    "{{ 'a\nb' }}", "{{ 'a' 'b' \"c\" }}", "{{ '\\n\\t\\\\\\'\\x41\\u00e9\\U0001F600\\101\\q' }}", "{{ \"a\\\nb\" }}", "{{ {'a': {'b': 1}}['a']['b'] }}", "{{ {'a': {'b': 1}} }}",
    "{{ '}}' }}{{ '%}' }}", "{{ n }}{% set x = 1 %}\n{{ x }}\n", "{%set x=1%}{{x}}", "{{", "{% if", "{{ 'x }}", "{# x", "{% raw %}x", "{{ ) }}", "{{ (] }}", "{{ $ }}", "{{}}", "{%%}", "{{ 1 2 }}",
    "{% set größe = 1 %}{{ größe }}{{ größen }}", "{{ n² }}",
    "{{ 012 }}", "{{ 1_000 }} {{ 0x1F }} {{ 0b11 }} {{ 0o17 }} {{ 1e3 }} {{ 1.5e-3 }} {{ 1_0.5 }}", "{{ nums.0 }} {{ nums.0.1 }}", "{{ deep.x.y.1.z }}",
    "{% generation %}a{{ n }}{% endgeneration %}b", "{% for m in nums %}{% generation %}{{ loop.index }}{% endgeneration %}{% endfor %}",
    "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}", "{% foo %}", "{% endif %}", "{% if yes %}", "{% for x in nums %}", "{% if yes %}{% endfor %}",
    "{% if yes: %}x{% endif %}", "{% print 1, 2 %}", "{% print n %}", "{{ 'a' if no }}|", "{%- if no %}{% elif yes %}b{% else %}c{% endif %}", "-{%- if yes -%} \n x \n {%- endif -%}-",
    "\n{%- if yes %}\n\n x\n{% endif %}\n\n", "{% if yes %}{% else %}{% endif %}\n", "  {{ n }}  \n  {% set q = 3 %}  \n  {{ q }}", "\ufeffx{{ n }}", "{{ n -}}\n\n", "{% set a %}\n  x\n{% endset %}\n[{{ a }}]",
]

EXPRESSIONS = """
n + 1 | n - 10 | n * 2 | n / 2 | n // 2 | neg // 2 | neg % 3 | n % -3 | 7.5 // 2 | -7.5 % 2 | 2 ** 3 | 2 ** 3 ** 2 | -2 ** 2 | 2 ** -1 | 0.1 + 0.2 | 1 / 3 | 10 / 5 | n / 0 | n // 0 | n % 0 | 1e400 | -0.0 | 1e16 | 1e15 | 123456789.123 | 1e-5 | 0.0001 | 5e-324
n + 'a' | 'a' + n | 'a' + 'b' | 'a' * 3 | 3 * 'a' | 'a' * -1 | [1] + [2] | [1] * 2 | (1,) + (2,) | [1] + (2,) | 'a' ~ 1 ~ none ~ true ~ [1] | nil + 1 | missing + 1 | 'a' + missing | 'a' ~ missing | -'a' | +n | -f | yes + yes | -yes | ~1 | 'a' - 'b' | {} + {} | nums * 'a'
n == 7 | n == 7.0 | n != 8 | yes == 1 | 'a' == 'a' | nums == [3, 1, 2] | (1, 2) == [1, 2] | d == {'a': 1, 'b': 2, 'items': 'x'} | nil == none | missing == nope | missing == none | 1 < 2 < 3 | 1 < 3 < 2 | 'a' < 'b' | [1, 2] < [1, 3] | n < 'a' | nil < 1 | missing < 1 | 1 <= 1 >= 1 | 'B' < 'a' | (1,) < (1, 2) | {} < {}
'H' in s | 'x' not in s | 3 in nums | 'a' in d | 'z' in d | 1 in 'a' | 'a' in nil | 'a' in missing | [1] in [[1]] | 1.0 in nums | [] in d | 'x' in n | not 'a' in d | '' in ''
yes and n | no and n | no or 'x' | empty or none or 'last' | not yes | not none | not missing | yes and no or n | not no and no | n if yes else z | n if no | (n if no) is defined | 'a' if no else 'b' if no else 'c' | not nums == [] | true and True and not false
nums[0] | nums[-1] | nums[5] | nums[5] is defined | nums['a'] | nums[1:] | nums[:-1] | nums[::-1] | nums[::2] | nums[5:] | nums[-2:] | s[0] | s[-1] | s[1:4] | s[::-1] | s[99] | u[0] | u[2:5] | u[-1] | u[::-2] | nums[::0] | nums['a':] | d[1:] | nil[1:] | missing[1:] | (1, 2, 3)[1:] | range(5)[1:3] | nums[1.0] | nums[true] | s[:-3:-1] | s[2:-2:3] | nums[none:none] | nums[-99:99] | s[10**9:]
d.a | d['a'] | d.items | d['items'] | d.nope | d.nope is defined | d.nope.x | d['nope']['x'] | d.get('a') | d.get('q') | d.get('q', 5) | d.get('a', 5) | d.keys() | d.values() | d.items() | d.items() | list | d.copy() | d.pop('a') | d.update({}) | d.pop | d.clear is defined | nums.append(1) | nums.append | nums.index(1) | nums.index(9) | nums.count(3) | nums.sort() | nums.copy() | d[[1]] | d[1] | {1: 'a'}[1] | {1: 'a', 1.0: 'b'} | {none: 1, true: 2, (1, 2): 3} | {[1]: 2} | nil.x | nil.x.y | nil['x'] | n.x | s.x | s['upper']() | missing | missing.x | missing['x'] | missing() | s() | n() | s.__class__ | s.__class__.x | nums.0 | deep.x['y'][1].z | d.keys()|list | d.values()|sum | d|length
[1, 'a', none, true, 1.0, {'x': [1]}, (1,), (1, 2), ()] | ['it\\'s', "q\\"", "both'\\"", '\\n\\\\'] | quote | [quote] | [u] | {'a': 'b'} | {} | [] | () | 'x', 1 | none | true | [missing] | range(3) | range(1, 7, 2) | [range(2)] | 1.0 | 1e100 | [1e16, 1e15, 0.1] | [d.items()] | ['\\x00\\x1f\\x7f\\u00a0\\u200b\\ufeff\\U0001f600'] | [[]] | (((1))) | (1,)
n is defined | missing is defined | missing is undefined | nil is none | nil is defined | s is string | n is string | n is number | f is number | yes is number | n is integer | yes is integer | f is float | n is float | yes is boolean | n is boolean | yes is true | n is true | no is false | d is mapping | nums is mapping | nums is iterable | s is iterable | n is iterable | nums is sequence | d is sequence | s is sequence | n is sequence | d.items() is sequence | (nums|map('string')) is sequence | (nums|map('string')) is iterable | range is callable | s.upper is callable | n is callable | nil is iterable | missing is iterable | missing is sequence | range(2) is sequence
n is odd | n is even | n is divisibleby 7 | n is divisibleby(2) | f is odd | 's' is odd | n is eq 7 | n is ne 7 | n is lt 8 | n is gt 8 | n is le 7 | n is ge 8 | n is equalto 7 | n is in nums | 3 is in nums | 'a' is in 'abc' | nil is sameas none | yes is sameas true | n is sameas 7 | s is upper | 'ABC' is upper | 'abc1' is lower | '1' is lower | n is not defined | n is not odd | not n is odd | missing is not defined | s is string and n is number | n is nosuch | n is == 7 | 'safe' is filter | 'nope' is filter | 'odd' is test | n is defined is true | (s|safe) is escaped | n is greaterthan 3 | n is lessthan 3 | n is defined and true | 'x' is string or no | [1] is eq [1] | n is divisibleby 0 | d is defined
s|upper | s|lower | s|title | 'foo-bar (baz) it\\'s'|title | s|capitalize | u|upper | u|lower | u|title | u|capitalize | 'ΑΣ ΑΣΑ'|lower | 'straße'|upper | 'ǆ'|title | blank|trim | 'xxaxx'|trim('x') | nil|upper | n|upper | missing|upper | nums|upper | s|length | u|length | nums|length | d|length | n|length | nil|length | missing|length | (nums|map('abs'))|length | nums|count | s|first | nums|first | none|first | none|first is defined | d|first | nums|last | s|last | none|last | d|last | missing|last | missing|first | n|first | (nums|map('abs'))|last
nums|join | nums|join(', ') | words|join('-') | people|join(', ', attribute='name') | people|join(', ', 'age') | s|join('.') | [1, none, missing]|join('|') | n|join | d|join(',') | nums|join(1) | missing|join | nil|join | []|join('x')
s|replace('l', 'L') | s|replace('l', 'L', 1) | s|replace('', '-') | s|replace('o', '') | nums|replace('1', 'x') | s|replace(missing, 'x') | 'aaa'|replace('aa', 'b') | s|reverse | nums|reverse|list | nums|reverse|join | d|reverse|list | (nums|map('abs'))|reverse | n|reverse | missing|reverse|list
nums|sort | nums|sort(reverse=true) | words|sort | words|sort(case_sensitive=true) | people|sort(attribute='name')|map(attribute='name')|list | people|sort(attribute='age,name', reverse=true)|map(attribute='name')|list | [1, 'a']|sort | d|sort | s|sort | [[2], [1]]|sort | [none, 1]|sort | people|sort(attribute='city') | []|sort | nums|sort(true)
words|unique|list | [1, 1.0, true, 2]|unique|list | ['a', 'A']|unique|list | ['a', 'A']|unique(case_sensitive=true)|list | people|unique(attribute='age')|map(attribute='name')|list | [[1]]|unique|list | d|dictsort | d|dictsort(by='value') | {'a': 3, 'B': 2}|dictsort | {'a': 3, 'B': 2}|dictsort(true) | {'a': 3, 'b': 2}|dictsort(false, 'value', true) | d|dictsort(by='x') | nums|dictsort
nums|batch(2)|list | nums|batch(2, 'x')|list | nums|slice(2)|list | [1,2,3,4,5]|slice(3, 'x')|list | nums|batch(0)|list | nums|slice(0)|list | people|groupby('age') | people|groupby('city', default='?')|map('first')|list | people|groupby('city')|list | people|groupby('age')|map(attribute='list')|map('length')|list | (people|groupby('age'))[0].grouper | (people|groupby('age'))[0][1] | ['a', 'B', 'A']|map('upper')|list | words|groupby(0)|map(attribute='grouper')|list
nums|sum | people|sum(attribute='age') | nums|sum(start=10) | []|sum | words|sum | [[1], [2]]|sum(start=[]) | nums|min | nums|max | words|min | words|max | words|max(true) | people|max(attribute='age') | []|min | []|max is defined | [1, 'a']|max | [1, 2.5]|max | d|max | s|min
n|abs | neg|abs | f|abs | 's'|abs | yes|abs | f|round | 2.567|round(2) | 2.5|round | 3.5|round | 2.675|round(2) | 2.1|round(0, 'ceil') | 2.19|round(1, 'floor') | n|round | 15|round(-1) | 1234.5|round(-2) | 's'|round | f|round(method='x') | -2.5|round | 1e300|round(2) | n|round(1, 'ceil') | neg|round(method='floor')
'42'|int | ' 42 '|int | '4_2'|int | 'x'|int | 'x'|int(5) | '0x1F'|int(base=16) | '1F'|int(0, 16) | '101'|int(base=2) | '3.9'|int | 3.9|int | -3.9|int | nil|int | missing|int | nums|int | 'inf'|int | '1e3'|int | ''|int | true|int | '3.5'|float | 'x'|float | 'x'|float(1.5) | n|float | 'nan'|float | '-inf'|float | ' 1e3 '|float | nil|float | '1_0.5'|float | '+5'|int | '-5'|int | '--5'|int | '0b11'|int(base=0) | '012'|int | '+-5'|float
n|string | nil|string | nums|string | missing|string | s|list | nums|list | d|list | nil|list | missing|list | range(3)|list | missing|default('x') | missing|default | nil|default('x') | nil|default('x', true) | empty|d('x', true) | no|d('x', boolean=true) | n|default('x') | d.nope|default('y') | d.nope.x|default('y') | missing|default(default_value='q')
nums|map('string')|list | nums|map('round', 1)|list | people|map(attribute='name')|list | people|map(attribute='city', default='?')|list | people|map(attribute='nope')|list | people|map('nosuch')|list | people|map|list | nil|map('upper')|list | people|map('attr', 'name')|list | [deep]|map(attribute='x.y.1.z')|list | words|map('upper')|join | nums|map('abs') is defined | [[1,2],[3]]|map('sum')|list | words|map('replace', 'a', 'X')|list | people|map(attribute='name')|map('lower')|list
nums|select|list | [0, 1, '']|select|list | nums|select('odd')|list | nums|select('gt', 1)|list | nums|reject('odd')|list | [0, 1, none]|reject|list | people|selectattr('age', 'eq', 30)|map(attribute='name')|list | people|selectattr('city')|map(attribute='name')|list | people|selectattr('city', 'defined')|map(attribute='name')|list | people|rejectattr('age', 'gt', 26)|map(attribute='name')|list | people|rejectattr('city')|list|length | nums|select('nosuch')|list | people|selectattr|list | nil|select|list | n|select|list | messages|selectattr('role', 'equalto', 'user')|list|length | messages|selectattr('role', 'in', ['user', 'system'])|map(attribute='role')|join(',') | (messages|selectattr('role', '==', 'tool')) and 'truthy' | messages|selectattr('role', '==', 'x')|first is defined | nums|select('in', [1, 2])|list
d|items|list | missing|items|list | nums|items|list | d|items|map('first')|join | html|escape | html|e|e | html|forceescape | (html|safe)|e | html|safe | ('<'|e) + '<' | '<' + ('<'|e) | ('<'|safe) + '<' | ('<'|safe) ~ '<' | [html|safe] | n|e | nil|e
d|tojson | nums|tojson | s|tojson | u|tojson | quote|tojson | nil|tojson | yes|tojson | f|tojson | big|tojson | deep|tojson | deep|tojson(indent=2) | nums|tojson(indent=4) | {}|tojson(indent=2) | []|tojson(indent=2) | d|tojson(sort_keys=true) | d|tojson(separators=(',', ':')) | d|tojson(separators=[',', ': '], indent=1) | u|tojson(ensure_ascii=true) | u|tojson(true) | d|tojson(2) | {1: 2, none: 3, true: 4, 1.5: 5}|tojson | {(1, 2): 3}|tojson | (1, 2)|tojson | missing|tojson | range(3)|tojson | d.items()|tojson | (nums|map('abs'))|tojson | html|tojson | deep|tojson(indent='--') | deep|tojson(indent=0) | 'nan'|float|tojson | deep|tojson(none, 2) | d|tojson(foo=1) | deep|tojson(indent=none) | {1: 1, 'a': 2}|tojson(sort_keys=true) | '\\u2028\\x7f\\x01'|tojson | messages|tojson | people|tojson(indent=2, sort_keys=true)
'a\\nb\\n\\nc'|indent | lines|indent | lines|indent(2, true) | lines|indent(2, first=true, blank=true) | lines|indent('> ') | ''|indent(first=true) | n|indent | 'a\\n'|indent(1) | 'hello world foo'|truncate(11) | 'hello world foo'|truncate(8) | 'hello world foo bar'|truncate(9, true) | 'hello world foo bar'|truncate(12, false, '~') | 'hello world'|truncate(2) | 'hello world foo bar'|truncate(10, leeway=0) | 'short'|truncate(3) | s|wordcount | 'a-b c_d 1'|wordcount | u|wordcount | s|center(20) ~ '|' | 'ab'|center(5) ~ '|' | 'abc'|center(6) ~ '|'
'%s-%s'|format(1, 'a') | '%d items'|format(3.7) | '%05.1f|%-5s|%+d|%x|%e|%g|%%|%r'|format(3.14159, 'ab', 5, 255, 12345.678, 0.00001, 'q') | '%(a)s'|format(a=1) | '%s'|format | '%d'|format('x') | 'x'|format(1) | '%s %s' % (1, 2) | '%s' % nums | '%s' % 'a' | '%d%%' % 5 | '%(a)s %(b)d' % d | '%5s|%-5s|%05d|% d' % ('a', 'b', 42, 7) | '%c%c' % (65, 'b') | '%s' % (1, 2) | '%s %s' % 1 | '%q' % 1 | '%*d' % (5, 42) | '%.2s' % 'abc' | '%#x %#o %X' % (255, 8, 255) | '%i' % 3 | '%s' % none | '%s' % missing | '%.3d' % 5 | '%G' % 1e-10 | '%-8.3f|' % 2.0 | 'a' % () | 'a' % [] | 'a' % d | '%(q)s' % d | '%a' % 'é'
'{} {}'.format(1, 'a') | '{1} {0}'.format('a', 'b') | '{x}'.format(x=1) | '{:>5}|{:<5}|{:^5}|{:05d}|{:.2f}|{:,}|{:x}|{:e}|{:%}'.format('a', 'b', 'c', 42, 3.14159, 1234567, 255, 1.5, 0.25) | '{{}}'.format() | '{a.b} {a[c]} {0[1]}'.format(nums, a={'b': 1, 'c': 2}) | '{!r:>6}'.format('a') | '{}'.format() | '{'.format() | '{:*^9}'.format('mid') | '{:+}'.format(5) | '{:d}'.format('a') | '{:s}'.format(5) | '{:.1f}'.format(2) | '{:g}'.format(1e10) | '{:_}'.format(12345) | '{}'.format(none) | '{:5}'.format(true) | '{:>10}'.format(nums) | '{:#x}'.format(255) | '{:<4}|{:4}|'.format(1, 1) | '{:.3}'.format('abcdef') | '{:.3}'.format(3.14159) | '{:}'.format(1.0) | '{:010.3f}'.format(-3.14159)
s.upper() | s.lower() | s.title() | "it's a dog-house".title() | s.capitalize() | s.swapcase() | blank.strip() | blank.lstrip() | blank.rstrip() | 'xxaxx'.strip('x') | 'abcabc'.lstrip('ab') | 'éaé'.strip('é') | s.strip(none) | s.split() | s.split(', ') | s.split('l') | s.split('l', 1) | s.rsplit('l', 1) | s.split('') | ' a  b '.split() | ' a  b c '.split(none, 1) | ' a  b c '.rsplit(none, 1) | ''.split() | ''.split(',') | s.split('zz') | s.split(sep='o', maxsplit=1) | 'a,b,,c'.split(',') | 'aaaa'.rsplit('aa') | lines.splitlines() | lines.splitlines(true) | 'a\\n'.splitlines() | 'a=b=c'.partition('=') | 'a=b=c'.rpartition('=') | 'a'.partition('=') | 'a'.rpartition('=') | s.partition('')
s.startswith('He') | s.startswith(('x', 'H')) | s.endswith('ld') | s.startswith('l', 2) | s.endswith('lo', 0, 5) | s.startswith(1) | s.startswith('') | s.startswith('', 99) | s.startswith(['H']) | s.find('o') | s.find('zz') | s.find('o', 5) | s.find('') | s.rfind('o') | s.index('W') | s.index('zz') | u.find('日') | u.rfind('') | s.count('l') | s.count('') | s.count('l', 4) | u.count('') | s.find('l', -3) | s.find('', 99) | s.rindex('l')
s.replace('l', 'x') | s.replace('l', 'x', 2) | s.replace('', '.') | s.replace('l') | u.replace('', '|') | s.replace('l', 1) | ', '.join(words) | ','.join(nums) | ''.join(s) | ','.join(d) | '-'.join([]) | 'abc'.isalpha() | 'a1'.isalnum() | '12'.isdigit() | '²'.isdigit() | '²'.isdecimal() | '½'.isnumeric() | ''.isalpha() | ' '.isspace() | 'ABC1'.isupper() | 'abc'.islower() | 'Ab Cd'.istitle() | 'é'.isascii() | s.removeprefix('He') | s.removesuffix('ld') | s.removeprefix('x') | '42'.zfill(5) | '-42'.zfill(5) | '+4'.zfill(1) | 'ab'.center(5, '*') | 'ab'.ljust(5) ~ '|' | 'ab'.rjust(5, '0') | 'a\\tb'.expandtabs(4) | 'a'.center(4, 'xx') | 'ß'.casefold() is string | 'x'.nope() | 'x'.nope | s.strip(1)
range(5)|list | range(2, 8, 3)|list | range(5, 0, -2)|list | range(0)|list | range(10**9) | range(1, 2, 0) | range('a') | range(3) == range(0, 3) | 2 in range(3) | range(3)[1] | range(3)|last | range(-3)|length | dict(a=1, b=2) | dict(d, c=3) | dict([('a', 1)]) | dict(nums) | dict() | namespace(a=1).a | namespace({'a': 2}).a | namespace().x is defined | namespace(a=1)['a'] | 'a' in namespace(a=1) | cycler('a', 'b').next() | cycler().next() | joiner(', ')() ~ '|' | raise_exception('no: ' ~ n) | raise_exception() | raise_exception(n) | strftime_now('%Y-%m-%d') | strftime_now('%d %b %Y %H:%M:%S %j %A %B %p %y %I %e|%U|%%') | strftime_now('') | strftime_now(1) | strftime_now('%f|%z|%Z|é') | strftime_now('%B %d, %Y') | strftime_now('%-d %-m') | range(n=3) | nosuch() | nums|nosuch
u is string | s[0:5]|upper ~ '!' | (s ~ n)|length | s|upper|lower|title | -n|abs | -neg|abs | n|string|length | not n|string is string | [n, s][1] | {'a': n}.a | {'a': n}['a'] | (n, s)[0] | nums[nums|length - 1] | nums[nums|first - 2] | messages[-1].role | messages[1:]|length | messages[0]['content']|upper | messages[2].content.split('</think>')[-1] | (messages|last).role | messages[3].content is none | messages[9] is defined | messages|map(attribute='role')|list | messages|map(attribute='role')|unique|list | d.items()|list|sort | d.items()|sort|first | 'a' < 'b' and 1 < 2 | s.upper().lower().title() | n is number and n > 3 and n < 10 | [] or {} or 'e' | 1 if [] else 2 | nums|sort|join('<') | (1 if yes else 2) + 1 | 'x' * n | n.real is defined or true | {'a': 1}.items()|list | {'a': 1, **d} | [*nums] | nums[0:2][0] | "a" "b" ~ 'c' | 1.5.x is defined | lines|length | 0 or nil | 1 == 1.0 == true
n is defined if yes else 'x' | (1).x | [1,2,] | {'a': 1,} | (1, 2,) | f(1) | s.replace(old='l', new='x') | s.split(maxsplit=1) | s.upper(1) | s|upper(1) | s|trim(chars='H') | nums|sort(nope=1) | nums|join(d='-') | d.get() | d.get('a', 'b', 'c') | d.get(key='a') | s.format | yes|upper | [yes]|join | 1|float|string | 3|string + 'x' | true|string | none|string | missing|string|length | 'a'|length + 1 | nums|length > 2 | nums|length is odd | s|length|string | {'x': missing} | {'x': missing}.x is defined
""".strip()

STATEMENTS = [
    "{% for x in nums %}{{ x }},{% endfor %}", "{% for x in none %}{{ x }}{% else %}empty{% endfor %}", "{% for x in nil %}{% endfor %}", "{% for x in n %}{% endfor %}", "{% for x in missing %}a{% else %}b{% endfor %}",
    "{% for c in u %}[{{ c }}]{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k, v in d %}{{ k }}{% endfor %}", "{% for a, b in [(1, 2), [3, 4]] %}{{ a }}{{ b }}{% endfor %}",
    "{% for a, b in [(1,)] %}{% endfor %}", "{% for a, b in [(1, 2, 3)] %}{% endfor %}", "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for a, b in [1] %}{% endfor %}", "{% for a, b in ['xy'] %}{{ b }}{{ a }}{% endfor %}",
    "{% for x in nums %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for x in nums %}{{ loop.previtem }}<{{ x }}<{{ loop.nextitem }} {% endfor %}", "{% for x in nums %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }} {% endfor %}", "{% for x in nums %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for x in nums %}{{ loop.cycle() }}{% endfor %}",
    "{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }} {% endfor %}", "{% for x in nums %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}", "{% for x in nums %}{{ loop }}{% endfor %}", "{% for x in nums %}{{ loop.nope }}{% endfor %}", "{% for x in nums %}{{ loop.nope.x }}{% endfor %}", "{{ loop.index }}",
    "{% for x in nums %}{% for y in words %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}", "{% for x in nums %}{% set outer = loop %}{% for y in 'ab' %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}",
    "{% for x in nums if x > 1 %}{{ x }}{{ loop.index }}{{ loop.length }}{{ loop.last }} {% endfor %}", "{% for x in nums if x > 9 %}{% else %}none{% endfor %}", "{% for k, v in d.items() if k != 'a' %}{{ k }}{% endfor %}", "{% for x in nums if loop.first %}{{ x }}{% endfor %}",
    "{% set ns = namespace(found=false) %}{% for x in nums if not ns.found %}{{ x }}{% if x == 1 %}{% set ns.found = true %}{% endif %}{% endfor %}", "{% set ns = namespace(found=false) %}{% for x in nums if not ns.found %}{{ x }}{{ loop.last }}{% set ns.found = true %}{% endfor %}",
    "{% for x in nums %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}", "{% for x in nums %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}", "{% for x in nums %}{% break %}{% else %}else{% endfor %}", "{% break %}", "{% for x in nums %}{% set y %}{% break %}{% endset %}{% endfor %}ok", "{% for x in nums %}{% with %}{% continue %}{% endwith %}{{ x }}{% endfor %}ok",
    "{% macro m() %}{% break %}{% endmacro %}", "{% for x in nums %}{% for y in nums %}{% if y == 1 %}{% break %}{% endif %}{{ x }}{{ y }} {% endfor %}{% endfor %}",
    "{% for x in [1, [2, [3]]] recursive %}{% if x is number %}{{ x }}@{{ loop.depth }}{% else %}({{ loop(x) }}){% endif %}{% endfor %}", "{% for x in nums %}{{ loop(nums) }}{% endfor %}", "{% for x in [1, []] recursive %}{% if x is number %}{{ x }}{% else %}({{ loop(x) }}){% endif %}{% else %}none{% endfor %}", "{% for x in nums recursive %}{{ loop(nums) }}{% endfor %}",
    "{% for x in nums|sort %}{{ x }}{% endfor %}", "{% for x in nums, words %}{{ x }}{% endfor %}", "{% for x in (nums if yes else words) %}{{ x }}{% endfor %}", "{% for x in nums if yes else words %}{% endfor %}", "{% for loop in nums %}{% endfor %}", "{% for x in nums %}{% set loop = 1 %}{% endfor %}", "{% for none in nums %}{% endfor %}", "{% for x.y in nums %}{% endfor %}", "{% for x, in [[1]] %}{{ x }}{% endfor %}",
    "{% for x in nums %}{{ x }}{% endfor %}{{ x }}", "{% set x = 5 %}{% for x in nums %}{{ x }}{% endfor %}{{ x }}", "{% set x = 5 %}{% for y in nums %}{% set x = y %}{{ x }}{% endfor %}{{ x }}", "{% for y in nums %}{% if loop.first %}{% set q = y %}{% endif %}{{ q }}{% endfor %}", "{% set q = 0 %}{% for y in nums %}{% if y == 1 %}{% set q = y %}{% endif %}{{ q }}{% endfor %}",
    "{% for x in nums %}{{ s }}{% endfor %}{% set s = 1 %}", "{{ s }}{% set s = 1 %}{{ s }}", "{% for x in nums %}{{ s }}{% set s = x %}{% endfor %}", "{% for x in nums %}{% if x == 1 %}{% set s = x %}{% endif %}{{ s }}{% endfor %}", "{% if no %}{% set s = 1 %}{% endif %}{{ s }}", "{% if no %}{% set q = 1 %}{% endif %}{{ q is defined }}", "{% if yes %}{% set s = 1 %}{% else %}{% set s = 2 %}{% endif %}{{ s }}",
    "{% if not s is defined %}{% set s = 1 %}{% endif %}{{ s }}", "{% if missing is not defined %}{% set missing = 1 %}{% endif %}{{ missing }}", "{% set s %}{{ s }}!{% endset %}{{ s }}", "{% set s = s ~ '!' %}{{ s }}", "{% if n %}{% set s = s ~ '!' %}{% endif %}{{ s }}", "{% for x in nums %}{% set s = s ~ x %}{{ s }} {% endfor %}{{ s }}", "{% with %}{% set s = 1 %}{{ s }}{% endwith %}{{ s }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = [1, 2] %}{{ a }}{{ b }}", "{% set a, b = 1 %}", "{% set (a, b), c = (1, 2), 3 %}{{ a }}{{ b }}{{ c }}", "{% set a = 1, 2 %}{{ a }}", "{% set a = (1) %}{{ a }}", "{% set %}", "{% set a.b = 1 %}", "{% set a = namespace() %}{% set a.b = 1 %}{{ a.b }}", "{% set d.x = 1 %}", "{% set ns = namespace(x=1) %}{% for i in nums %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x=[]) %}{% for i in nums %}{% set ns.x = ns.x + [i] %}{% endfor %}{{ ns.x }}", "{% set ns.x = 1 %}", "{% set ns = namespace(a=1, b=2) %}{% set ns.a, ns.b = ns.b, ns.a %}{{ ns.a }}{{ ns.b }}", "{% set x | upper %}abc{{ n }}{% endset %}{{ x }}", "{% set x | replace('a', 'b') | upper %}abc{% endset %}{{ x }}", "{% set true = 1 %}", "{% set x = 1 %}{% set x = 2 %}{{ x }}", "{% set 'x' = 1 %}", "{% set x[0] = 1 %}",
    "{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(b=4, a=5) }} {{ m() }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}", "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}", "{% macro m(a) %}{{ varargs }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(3) }}", "{% macro m(a, b=a ~ 'x', c=b) %}{{ c }}{% endmacro %}{{ m(3) }}",
    "{% macro m(a=1, b) %}{% endmacro %}", "{% macro m(a, a) %}{% endmacro %}", "{% macro m(n) %}{% if n > 0 %}{{ n }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% macro m() %}{{ s }}{% endmacro %}{% set s = 1 %}{{ m() }}", "{% set q = 1 %}{% macro m() %}{{ q }}{% set q = 2 %}{{ q }}{% endmacro %}{{ m() }}{{ q }}", "{% macro m() %}x{% endmacro %}{{ m }}{{ m.name }}{{ m is callable }}",
    "{{ m() }}{% macro m() %}x{% endmacro %}", "{% for i in nums %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}", "{% macro m() -%}\n  x\n{%- endmacro %}[{{ m() }}]", "{% macro m(x) %}{{ x|upper }}{% endmacro %}{{ m('a') ~ m('b') }}{{ m('c')|length }}", "{% macro m(x) %}{{ x }}{% endmacro %}{{ nums|map('string')|map('upper')|list }}{{ m(*nums[:1]) }}{{ m(**{'x': 2}) }}", "{% macro m(x) %}{% endmacro %}{{ m(**nums) }}",
    "{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}body{{ n }}{% endcall %}", "{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) m() %}{{ a }}{{ b }}{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}", "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}", "{% macro m(caller=none) %}{{ caller is none }}{% endmacro %}{{ m() }}", "{% macro m() %}{% if caller is defined %}{{ caller() }}{% else %}no{% endif %}{% endmacro %}{{ m() }}{% call m() %}yes{% endcall %}", "{% call n %}{% endcall %}", "{% call(x) dict() %}{% endcall %}",
    "{% macro o() %}<{{ caller() }}>{% endmacro %}{% macro i() %}({{ caller() }}){% endmacro %}{% call o() %}{% call i() %}x{% endcall %}{% endcall %}", "{% filter upper %}abc{{ s }}{% endfilter %}", "{% filter replace('a', n|string)|upper %}abc{% endfilter %}", "{% filter nosuch %}{% endfilter %}", "{% filter trim %} x {% set s = 2 %}{{ s }} {% endfilter %}{{ s }}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with a = 1, b = a %}{{ b }}{% endwith %}", "{% set a = 5 %}{% with a = 1, b = a %}{{ b }}{% endwith %}", "{% with %}x{% endwith %}", "{% with a, b = (1, 2) %}{{ b }}{% endwith %}", "{% with a %}{% endwith %}",
    "{% if nums %}a{% endif %}{% if none %}b{% endif %}{% if {} %}c{% endif %}{% if z %}d{% endif %}{% if nil %}e{% endif %}{% if missing %}f{% endif %}{% if 0.0 %}g{% endif %}{% if '0' %}h{% endif %}", "{% if n == 1 %}a{% elif n == 7 %}b{% elif n == 7 %}c{% endif %}", "{% if n > 5 and s is string %}x{% endif %}", "{% if n if yes %}x{% endif %}", "{% if %}x{% endif %}", "{% if 1, 0 %}x{% endif %}", "{% elif n %}", "{% if yes %}a{% else %}b{% else %}c{% endif %}", "{% endif foo %}", "{% if yes %}a{% endif x %}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.next() }}", "{% set j = joiner() %}{% for x in nums %}{{ j() }}{{ x }}{% endfor %}", "{% set f = s.upper %}{{ f() }}", "{% set g = nums|map('string') %}{{ g|join }}{{ g|join }}", "{% set g = nums|select('odd') %}{% for x in g %}{{ x }}{% endfor %}{% for x in g %}{{ x }}{% else %}gone{% endfor %}", "{% set it = d.items() %}{% for k, v in it %}{{ k }}{% endfor %}{% for k, v in it %}{{ v }}{% endfor %}",
    "{% if messages[0].role == 'system' %}{% set loop_messages = messages[1:] %}{% set sys = messages[0].content %}{% else %}{% set loop_messages = messages %}{% endif %}{{ loop_messages|length }}{{ sys }}", "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + (m['content'] or '') + '<|im_end|>' + '\n' }}{% endfor %}", "{% for m in messages %}{{ m.role + m.content }}{% endfor %}", "{{ raise_exception('Roles must alternate: ' + messages[0].role) }}", "{% if no %}{{ raise_exception('x') }}{% endif %}ok",
    "{% set a = [] %}{% set _ = a.append(1) %}", "{% set x = {'a': 1} %}{% set x = dict(x, b=2) %}{{ x }}", "{% do 1 %}", "{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}", "{% from 'x' import y %}", "{% for i in range(3) %}{% for j in range(i) %}{{ i }}{{ j }} {% endfor %}{% endfor %}", "{% for i in range(0, 10, 4) -%}\n  {{ i }}\n{% endfor %}\nend",
    "{%- for x in nums -%}\n    {{- x -}}\n{%- endfor -%}\n", "  {%- for x in nums %}\n    {{ x }}\n  {%- endfor %}\nend\n", "{% for x in nums %}\n{{ x }}\n{% endfor %}\n", "{% macro a(x) %}{% macro b(y) %}{{ x }}{{ y }}{% endmacro %}{{ b(2) }}{% endmacro %}{{ a(1) }}", "{% set x = 1 %}{% macro a() %}{% for i in nums %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}{% endmacro %}{{ a() }}",
    "{% if no %}{{ n|nosuch }}{% endif %}ok", "{% if yes %}{{ n|nosuch }}{% endif %}ok", "{{ n|nosuch if no else 'ok' }}", "{{ 'ok' if not no else n|nosuch }}", "{% if no %}{% for x in nums %}{{ x|nosuch }}{% endfor %}{% endif %}ok", "{% for x in nums %}{% if no %}{{ x|nosuch }}{% endif %}{% endfor %}ok", "{% if no and n is nosuch %}{% endif %}ok",
    "{% if no %}{% set x %}{{ n|nosuch }}{% endset %}{% endif %}ok", "{% if no %}{% set x | nosuch %}{% endset %}{% endif %}ok", "{% if no %}{% with a = n|nosuch %}{% endwith %}{% endif %}ok", "{% if no %}{% for x in n|nosuch %}{% endfor %}{% endif %}ok",
    "{% for x in nums %}{% set y = loop.index %}{% for z in 'ab' %}{{ y }}{{ z }}{% endfor %}{% endfor %}", "{% set x = missing %}{{ x is defined }}{{ x }}", "{% set x = missing.y %}", "{% set x = none %}{% if x is none %}N{% endif %}{{ x }}", "{{ namespace(a=1) is defined }}", "{% set x = 'a' if no %}{{ x is defined }}[{{ x }}]", "{{ 'a'.join }}{# printed as an object #}" if False else "{{ [] }}", "{% if 'a' in d and d.a == 1 %}x{% endif %}", "{% if d['a'] is defined and d['q'] is not defined %}x{% endif %}", "{% set s2 = s|upper %}{% set s3 = s2[:5] %}{{ s3 }}",
]


def cases():
    for template in TEXT + STATEMENTS:
        yield template
    for line in EXPRESSIONS.split("\n"):
        for expression in line.split(" | "):
            yield "{{ " + expression.strip() + " }}"


def main():
    output = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "golden.jsonl")
    head = json.dumps({"variables": VARIABLES}, ensure_ascii=False)
    rows = []
    for template in dict.fromkeys(cases()):
        kind, text = render(template, VARIABLES)
        if any(what in text for what in ("object at 0x", "built-in method", "<function")):
            continue
        row = {"template": template, "kind": kind, "text": text}
        rows.append(json.dumps(row, ensure_ascii=False))
    output.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    print(f"{len(rows)} rows, {sum('failure' in row for row in rows)} with failures")


if __name__ == "__main__":
    main()
