"""Small templates that show jinja2's rules one by one, for make-template-goldens.py."""

context = {
    "a": [3, 1, 2],
    "words": ["pear", "Apple", "fig", "apple"],
    "people": [
        {"name": "Ann", "age": 30, "tags": ["x", "y"], "home": {"city": "Oslo"}},
        {"name": "bob", "age": 25, "tags": [], "home": {"city": "Rome"}},
        {"name": "Cyd", "age": 30, "tags": ["z"]},
    ],
    "d": {"b": 1, "a": [1, 2.5, None, True], "C": {"x": "é\"'<&>\n\t\\"}, "items": "shadow"},
    "s": "Hello, World",
    "multi": "one\n two\n\nthree  \r\nfour",
    "uni": "Grüße 👋🏽 e\u0301 ß ǆ",
    "f": 1.5,
    "big": 1e22,
    "n": None,
    "t": True,
    "empty": "",
    "html": "<b>\"a\" & 'c'</b>",
}

values = ["a", "words", "d", "s", "uni", "f", "n", "t", "missing", "empty", "7", "-7", "'42.9'", "(1, 'b')", "d.items()", "html"]

filters = [
    "abs", "capitalize", "center(16)", "count", "default('x')", "default('x', true)", "dictsort", "e", "first", "float", "int",
    "items|list", "join", "join(', ')", "last", "length", "list", "lower", "max", "min", "replace('l', 'L')", "reverse|list",
    "round", "sort", "string", "sum", "title", "tojson", "trim", "truncate(8)", "unique|list", "upper", "urlencode", "wordcount",
    "striptags", "filesizeformat", "indent(2)", "batch(2)|list", "slice(2)|list", "map('upper')|list", "select|list", "xmlattr",
]

tests = [
    "boolean", "callable", "defined", "divisibleby 3", "eq 7", "even", "false", "float", "gt 3", "in [7, 's', none]", "integer",
    "iterable", "lower", "mapping", "none", "number", "odd", "sameas none", "sequence", "string", "true", "undefined", "upper",
]

snippets = ["{{ %s|%s }}" % (value, name) for value in values for name in filters]
snippets += ["{{ %s is %s }}" % (value, name) for value in values for name in tests]

expressions = """
1 + 2 * 3 - 4 / 2
7 // 2, -7 // 2, 7 % 3, -7 % 3, 7 % -3, 7.5 // 2, -7.5 % 2
2 ** 10, 2 ** -1, -2 ** 2, 2 ** 3 ** 2
0.1 + 0.2, 1e16, 1e15, 123456789012345680.0, 1e-4, 0.00001, 1.0, -0.0, 1e300 * 10
1 / 3, 10 / 5, 1e22, 5e-324, 1.7976931348623157e308
1 < 2 < 3, 3 > 2 > 2, 1 == 1.0, true == 1, 'a' < 'b', [1, 2] < [1, 3]
1 in a, 4 not in a, 'ell' in s, 'b' in d, none in [none]
not 1 == 2, not not 1
1 and 0 or 'x', '' or [], n and n.x
'a' ~ 1 ~ none ~ true ~ 1.5 ~ missing ~ [1, 'b']
'x' * 3, 3 * 'ab', [1] * 2, (1,) * 2, 'x' * -1
[1] + [2], (1,) + (2, 3)
'yes' if a else 'no', 'only' if false, 'x' if missing is defined else 'y'
a[0], a[-1], a[5], a['x'], a[1:], a[::-1], a[:-1], a[-2:], a[0:2:2], s[1:4], s[::-2], s[-3], s[10:2]
d.b, d['b'], d.a[1], d.a.0, d.C.x, d.nope, d['items'], d.items()
d.keys()|list, d.values()|list, d.get('b'), d.get('z'), d.get('z', 5), d.items()|list
d.keys(), d.values(), d.items()
people[0].home.city, people[2].home
(1), (1,), (), [], {}, {'a': 1, 2: 'b', none: true}, {'k': [1, {'z': (1, 2)}]}
'a\\n\\t\\'\\"\\\\', "\\x41\\u00e9\\101", 'q"q', "q'q", 'q\\'q"q'
['a\\n', "it's", 'say "x"', 'é', '\\x00', '\\u200b', '\\ud7ff']
0x1F, 0b101, 0o17, 1_000, 1e3, 1.5e-3, 12_3.4_5
s.upper(), s.lower(), s.title(), s.swapcase(), s.capitalize(), s.casefold()
s.split(', '), s.split('l', 1), s.rsplit('l', 1), s.split(), ' a  b '.split(), ' a  b '.split(' '), ' a b c '.split(none, 1)
s.find('o'), s.rfind('o'), s.find('z'), s.index('W'), s.count('l'), s.find('o', 5), s.count(''), s.find('', 3)
s.startswith('He'), s.endswith(('x', 'ld')), s.startswith('e', 1), s.endswith('lo', 0, 5)
s.replace('l', 'LL'), s.replace('l', 'LL', 1), s.replace('', '-'), s.replace('', '-', 2)
'  x '.strip(), '  x '.lstrip(), '  x '.rstrip(), 'xxaxx'.strip('x'), 'abcba'.strip('ab')
'-'.join(words), ','.join('abc'), s.partition(', '), s.rpartition('o'), s.partition('zz'), s.rpartition('zz')
'7'.zfill(3), '-7'.zfill(4), 'ab'.center(7, '*'), 'abc'.center(6, '*'), 'ab'.ljust(4, '.'), 'ab'.rjust(4)
multi.splitlines(), multi.splitlines(true), 'a\\tb'.expandtabs(4), s.removeprefix('Hello'), s.removesuffix('ld')
'12'.isdigit(), 'a1'.isalnum(), 'ab'.isalpha(), ' '.isspace(), 'Ab'.istitle(), 'AB'.isupper(), 'ab'.islower(), '1a'.isidentifier()
uni|length, uni[6], uni|upper, uni|lower, uni.title(), uni[::-1]
'%s and %r' % ('x', 'y'), '%d%%' % 5, '%05.2f|%-6s|%+d|%x|%X|%o|%e|%g' % (3.14159, 'ab', 5, 255, 255, 8, 12345.678, 0.0001)
'%(b)s %(b)5d' % d, '%s' % (a,), '%3s|%-3s|' % (1, 2), '%.2s' % 'abc', '%c%c' % (65, 'B'), '%s %s' % (1,)
'{} {}'.format(1, 2), '{0} {1} {0}'.format('a', 'b'), '{x} {y[0]} {z.b}'.format(x=1, y=a, z=d)
'{:>6}|{:<6}|{:^6}|{:*^7}|{:06.2f}|{:,}|{:x}|{:#x}|{:+}'.format('a', 'b', 'c', 'd', 3.14159, 1234567, 255, 255, 3)
'{!r} {{}} {:d} {:e} {:%} {:.3}'.format('x', 7, 1234.5, 0.256, 'abcdef')
a|sort, a|sort(reverse=true), words|sort, words|sort(case_sensitive=true), people|sort(attribute='age')|map(attribute='name')|list
people|sort(attribute='age,name')|map(attribute='name')|list, people|map(attribute='home.city', default='?')|list
people|map(attribute='tags.0')|list, people|selectattr('tags')|map(attribute='name')|list
people|selectattr('age', 'eq', 30)|map(attribute='name')|list, people|rejectattr('age', '>', 26)|list|length
words|map('upper')|join(','), words|map('replace', 'p', 'b')|list, words|select('in', ['fig'])|list, a|select('odd')|list, a|reject('odd')|list
words|unique|list, words|unique(case_sensitive=true)|list, words|min, words|max, people|max(attribute='age'), []|max
a|sum, people|sum(attribute='age'), a|sum(start=10), [[1], [2]]|sum(start=[])
people|groupby('age')|list|length, people|groupby('home.city', default='-')|map('first')|list
a|first, []|first, a|last, 'abc'|last
a|batch(2)|list, a|batch(2, 'x')|list, a|slice(2)|list, a|slice(2, 'x')|list
a|map('string')|list, 'abc'|list, d|list, d|length, d|dictsort, {'b': 1, 'A': 2}|dictsort(true), {'b': 1, 'A': 2}|dictsort(by='value')
2.5|round, 3.5|round, -2.5|round, 2.567|round(2), 2.1|round(0, 'ceil'), 2.9|round(method='floor'), 7|round, 1234|round(-2), 42.55|round(1)
'12'|int, '12.7'|int, 'x'|int, 'x'|int(5), '0x1A'|int(0, 16), '101'|int(base=2), '1_000'|int, ' 5 '|int, 3.9|int, -3.9|int, true|int, none|int
'1.5'|float, 'x'|float, 'x'|float(2.0), '1e3'|float, 'inf'|float, '.5'|float, '5.'|float, true|float
'abc'|replace('b', ''), 'aaa'|replace('a', 'b', 2), 5|replace(5, 6)
multi|indent, multi|indent(2, true), multi|indent('> ', blank=true), ''|indent(2, first=true)
'foo bar baz qux'|truncate(9), 'foo bar baz qux'|truncate(9, true), 'foo bar baz qux'|truncate(11), 'foo bar baz qux'|truncate(11, false, '..', 0)
'hello big world'|title, "it's o-k (fine) [x] <y>"|title, 'HELLO'|capitalize, ' x '|trim, 'xax'|trim('x')
d|tojson, d|tojson(indent=2), d|tojson(ensure_ascii=true), d|tojson(separators=(',', ':')), d|tojson(sort_keys=true)
[]|tojson(indent=2), {}|tojson(indent=2), [[], {}]|tojson(indent=2), [1, [2, {'a': ()}]]|tojson(indent=1), (1, 2)|tojson
1.0|tojson, big|tojson, none|tojson, uni|tojson, uni|tojson(ensure_ascii=true), '\\x07\\x08\\x0c\\x7f/'|tojson, {1: 2, none: 3, true: 4, 1.5: 6}|tojson
'a b/c?d=é&f'|urlencode, {'a b': 'c d', 'e': 1}|urlencode, [('x', '/')]|urlencode
html|e, html|safe, html|e|e, (html|safe) + html, html + (html|safe), html|safe ~ html, (html|e)|length, html|forceescape, html|striptags
(html|safe).upper(), (html|safe).replace('b', '<'), ('<'|safe).join(['<', '>'|safe]), (html|safe).split('"'), (html|safe)[0:3] + '<', ('<'|safe) * 2 + '&'
1|string + '1', '%s'|format('x'), '%s-%s'|format(1, 2), '%(x)s'|format(x=1), 1000|filesizeformat, 1|filesizeformat, 1500000|filesizeformat, 1500000|filesizeformat(true)
range(3)|list, range(1, 4)|list, range(5, 0, -2)|list, range(3), range(0), range(2, 9, 3)|length, range(3)[1], 2 in range(3)
dict(a=1, b=2), dict([('x', 1)]), dict({'a': 1}, b=2), namespace(a=1).a, namespace({'b': 2}).b
a is defined and a is iterable, s is string, d is mapping, 3 is divisibleby(3), 3 is not none, 1 is in [1], 's' is eq 's', 4 is ge 4
'upper' is filter, 'nofilter' is filter, 'odd' is test, (1, 2) is sequence, range(2) is sequence, d.keys() is sequence, d.items() is iterable
true, false, none, True, False, None, true + 1
a == [3, 1, 2], (1, 2) == [1, 2], {'a': 1} == {'a': 1.0}, 'é' == 'e\\u0301', missing == missing, missing == none
[1, 2, 3].index(2), [1, 1].count(1), (1, 2).index(2), [3].copy()
-3|abs, (-3)|abs, - 3 ** 2, +5, --5, -a|length
d.a|first, d['C']['x']|length, {'a': {'b': [1, {'c': 5}]}}.a.b[1].c
words|join('-')|upper|length, (words|join('-')).split('-')[1]|lower
1.5|string, 1e100|string, (0.1 * 3)|string, 100000000000000000000.0|string, 3.0 == 3, 7 is integer, 7.0 is integer
strftime_now('%Y-%m-%d'), strftime_now('%d %b %Y'), strftime_now('%B %d, %Y'), strftime_now('%A %a %j %H:%M:%S %p %I %y %U %W %w %u %G %V %e %-d %%')
[1, 2, 3]|reverse|list, 'abc'|reverse
a.append(4)
d.pop('b')
d.update({'x': 1})
missing.x
missing['x']
missing + 1
missing()
missing|length
n.x
n.x.y
n + 1
a + 1
'a' + 1
1 + 'a'
'a' < 1
none < none
1 / 0
1 % 0
a.x
a()
d.b()
s.nope()
s.__class__
d['__class__']
s.format_map(d)
range(100001)|length
a|nofilter
a is notest
a|join(',', 'x', 'y')
raise_exception('bad: ' ~ s)
1 if
a[1
'abc
a b
{'a' 1}
f(
not
1 +
[1, 2)
"a" "b" 'c'
{'a': 1,}
[1,]
a[1:2:0]
s.split('')
'x'.center(5, 'ab')
''.join([1])
dict(1)
namespace(1)
'%d' % 'x'
'{0}'.format()
'{'.format()
'{} {1}'.format(1, 2)
[[]]|tojson(indent='--')
missing|tojson
range(2)|tojson
d.items()|tojson
{[1]: 2}
[1] in d
1 in 'a'
1 in 1
(a|map('string'))|length
(a|map('string'))|last
[a|map('string')|first, 5]
5|list
5|first
none|join
loop
caller
1.is_integer
(1.0).is_integer()
'a'.nope is defined
[1,2,3][true]
'abc'[true]
{true: 'x'}[1]
{1: 'a', 1.0: 'b', true: 'c'}
"\\N{DASH}"
""".strip().split("\n")
snippets += ["{{ %s }}" % line for line in expressions]

statements = r"""
{% for x in a %}{{ loop.index }}/{{ loop.length }}:{{ x }}{{ ',' if not loop.last }}{% endfor %}
{% for x in a %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}
{% for x in a %}{{ loop.cycle('odd', 'even') }}{{ loop.changed(x > 1) }} {% endfor %}
{% for x in [] %}x{% else %}none{% endfor %}|{% for x in missing %}x{% else %}none{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}
{% for k in d %}{{ k }}{% endfor %}|{% for c in 'añ' %}[{{ c }}]{% endfor %}
{% for x in a if x > 1 %}{{ loop.index }}{{ x }}{% else %}none{% endfor %}
{% for x in a if x > 5 %}{{ x }}{% else %}none{% endfor %}
{% for x in a %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% if loop.index == 2 %}{% break %}{% endif %}{% endfor %}
{% for x in a %}{% for y in a %}{% if y == 1 %}{% break %}{% endif %}{{ x }}{{ y }}{{ loop.index }} {% endfor %}{{ loop.index }}{% endfor %}
{% for (x, y), z in [((1, 2), 3)] %}{{ x }}{{ y }}{{ z }}{% endfor %}
{% for x, y in [[1, 2, 3]] %}{{ x }}{% endfor %}
{% for x in 5 %}{% endfor %}
{% for x in n %}{% endfor %}
{% for item in [{'n': 1, 'c': [{'n': 2, 'c': [{'n': 3}]}]}] recursive %}{{ item.n }}@{{ loop.depth }}{% if item.c %}({{ loop(item.c) }}){% endif %}{% endfor %}
{% for x in a %}{{ loop(x) }}{% endfor %}
{% set x = 1 %}{% for i in a %}{% set x = x + i %}{{ x }},{% endfor %}{{ x }}
{% set ns = namespace(x=1) %}{% for i in a %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}
{% set ns = namespace() %}{% set ns.a = 1 %}{{ ns.a }}{{ ns.b }}{{ ns.b is defined }}{{ ns }}
{% set x, y = 1, 2 %}{{ x }}{{ y }}{% set z = 1, 2 %}{{ z }}
{% set x.y = 1 %}
{% set d.b = 1 %}
{% set ns = namespace() %}{% set ns._x = 1 %}
{% set x %}block {{ s }}{% endset %}[{{ x }}]
{% set x | upper | replace('L', '1') %}block {{ s }}{% endset %}[{{ x }}]
{% if a %}1{% elif b %}2{% else %}3{% endif %}{% if not a %}1{% elif missing %}2{% else %}3{% endif %}{% if n %}{% endif %}
{% if true %}{% set q = 5 %}{% endif %}{{ q }}
{% macro m(x, y=2, z='q') %}{{ x }}-{{ y }}-{{ z }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(z=1, x=2) }} {{ m() }}
{% macro m(x) %}{{ x }}{% endmacro %}{{ m(1, 2) }}
{% macro m(x) %}{{ x }}{% endmacro %}{{ m(q=2) }}
{% macro m(x) %}{{ x }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, k=4) }}
{% macro m(x) %}{{ x }}{{ varargs }}{% endmacro %}{{ m(*a) }} {{ m(*[1], **{}) }}
{% macro m(x, y) %}{{ x }}{{ y }}{% endmacro %}{{ m(**{'x': 1, 'y': 2}) }}
{% macro f(n) %}{{ n }}{% if n > 0 %},{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}
{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}inner {{ s }}{% endcall %}
{% macro m() %}{% for x in a %}{{ caller(x) }}{% endfor %}{% endmacro %}{% call(x) m() %}<{{ x }}>{% endcall %}
{% macro m() %}none{% endmacro %}{% call m() %}inner{% endcall %}
{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}
{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ m() }}
{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(5) }}
{% macro m() %}x{% endmacro %}{{ m.name }}{{ m }}{{ m is callable }}
{% filter upper %}shout {{ s }}{% endfilter %}
{% filter replace('l', 'L')|trim %}  hello  {% endfilter %}
{% filter length %}abc{% endfilter %}
{% with x = 1, y = 2 %}{{ x }}{{ y }}{% set z = 3 %}{% endwith %}{{ x }}{{ z }}
{% raw %}{{ not }} {% this %}{% endraw %}|{%- raw -%}  x  {%- endraw -%}  y
{# comment #}a{#- strip -#}  b  {#- x -#} c
a {{- ' b ' -}} c {%- if true -%} d {%- endif -%} e
{% print(s) %}{% print s, a %}
{% generation %}gen {{ s }}{% endgeneration %} after
{% for x in a %}{% generation %}{{ x }}{% set q = x %}{% endgeneration %}{{ q }}{% endfor %}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.next() }}{% set j = joiner('|') %}{{ j() }}{{ j() }}{{ j() }}
{% set g = a|map('string') %}{{ g|list }}{{ g|list }}
{% set g = people|selectattr('tags') %}{% for p in g %}{{ p.name }}{{ loop.last }}{% endfor %}{% for p in g %}again{% endfor %}
{% block b %}in {{ s }}{% endblock %} {% block c scoped %}x{% endblock c %}
{% autoescape false %}{{ html }}{% endautoescape %}
{{ undefined_name }}{{ d.missing }}{{ a[9] }}|{{ [missing] }}
{% if missing.x %}{% endif %}
{% if missing is defined and missing.x %}1{% else %}2{% endif %}
{% set loop = 1 %}{{ loop }}
{% for loop in a %}{% endfor %}
{% break %}
{% if a %}
{% endif %}
{% for x in a %}
{% endfor %}{% endfor %}
{% unknown %}
{% include 'x' %}
{% extends 'x' %}
{% macro m(x=1, y) %}{% endmacro %}
{{ a|map('nofilter')|list }}
{% if false %}{{ a|nofilter }}{% endif %}ok
{{ '{{' }} {{ "}}" }} {{ '%}' }} {{ {'a': {'b': 1}}['a'] }}
{{ a -}}   x
{% set x = 'a' %}{% set x = x ~ 'b' %}{{ x }}{% for i in [1] %}{% set x = x ~ 'c' %}{{ x }}{% endfor %}{{ x }}
{%- for m in people -%}{%- if m.name == 'bob' -%}{%- continue -%}{%- endif -%}{{ m.name }} {% endfor -%}
{{ (people|first).name }}{{ people[0]['name'][0] }}{{ people|map(attribute='name')|map('lower')|join(', ') }}
{% for g, items in people|groupby('age') %}{{ g }}:{{ items|map(attribute='name')|join('+') }};{% endfor %}
{{ raise_exception('no') if a else 'x' }}
{% set x = namespace(v=[]) %}{% for i in a %}{% set x.v = x.v + [i] %}{% endfor %}{{ x.v }}
{% for message in people %}{{ message.name|e }}{{ '\n' if not loop.last else '' }}{% endfor %}
{{ 'x' if a is sequence and a is not string and a is not mapping else 'y' }}
{% set t = ('a', 1) %}{{ t[0] }}{{ t }}{{ t|length }}
{% for a, b in d|dictsort %}{{ a }}:{{ b|tojson }} {% endfor %}
""".strip("\n").split("\n")

multiline = [
    "  {% if true %}  \n  x\n  {% endif %}  \ny\n",
    "{%+ if true %} x{% endif +%}\nz\n\n",
    "{% for x in a %}\n    {{ x }}\n{% endfor %}\n",
    "\t{# c #}\n\t{{ 1 }}\n \t{% set x = 1 %}\nend\n",
    "a\r\nb\r{% if true %}\r\nc{% endif %}\n\n",
    "{% if a %}\n{% endif %}",
    "x {%- set y = 1 +%}\n y",
    "{# unclosed",
    "{% raw %} {{ x }} \n  {% endraw %}\n tail",
    "text {{ 1 }}\n{% if 1 %}\n{% if 1 %}\n  deep\n{% endif %}\n{% endif %}\n",
    "{{ 1\n}}\n{% set x =\n 5 %}\n{{ x }}",
]
snippets += statements + multiline
