"""Writes literals.json: what texts become when the reference reads them as literals of Python."""

import ast
import json
import pathlib
import random
import warnings

warnings.simplefilter("ignore")
random.seed(20240615)

FIXED = """5|-5|+5|--5|- 5|5.|.5|1e5|1E-5|1_000|1__0|_1|1_|0x1f|0X1F|0o17|0b101|0xg|0x_1|017|00|00000|0_0|00123|00.5|01e2|1j|1+2j|-1-2j|(1+2j)|1+2|1.10|1e999|-1e999|1e400j|0.1e|1abc|1 2|5 # x|5#|# x|#|
 5|	5|5 |5\n|\n5|\n\n 5|5\n6|5\n# c|5\\\n|(5)|((5))|(5,)|()|( )|(5|5)|1,2|1,|,1|1,,2|1, 2,|(1,2),3|[1]|[1,]|[1,,]|[]|[,]|[1 2]|[1,2|[[1],[2]]|[1,\n2]|[1, # c\n2]|[1,'a',None,True,1.5,...]|...|....|.. .|None|True|False|none|true|TRUE|NoneX|None.x|True1|
{}|{1}|{1,2}|{1,}|{1:2}|{1:2,}|{1:2,3}|{'a':1}|{'a':1,'a':2}|{1:'a',1.0:'b',True:'c'}|{[1]:2}|{(1,):2}|{([1],):2}|{1,1.0,True}|{[1]}|{**{}}|{"a": true}|{'a': {'b': [1, (2, 3)]}}|set()|set( )|set([1])|set|{1: 2}['x']|[1][0]|
'a'|"a"|'a|a'|'a'b|'a' 'b'|'a'"b"|'a'\n'b'|('a'\n'b')|'a' b'b'|b'a'|b"a" b'b'|B'a'|rb'\\x'|bR'a'|br'a'|r'\\n'|R'a'|u'a'|U"a"|ur'a'|f'a'|F'{1}'|fr'a'|'''a'''|\"\"\"a\nb\"\"\"|'''a|''|""|''''''|'\\n'|'\\x41'|'\\x4'|'\\u0041'|'\\u00'|'\\U0001F600'|'\\U99999999'|'\\101'|'\\777'|'\\0'|'\\8'|'\\q'|'\\'|'\\\\'|'a\nb'|'a\\\nb'|'\\ud83d'|b'\\xff'|b'é'|b'\\777'|b'\\u0041'|'é'|"it's"|'say "x"'|'it\\'s "x"'|'\\t\\r\\a'|'\x7f'|'\xa0'|'\u200b'|'🐢'|
abc|a b c|foo()|lambda: 1|1 if True else 2|not 1|~1|1 < 2|1 == 1|[x for x in y]|a=1|a:=1|*a|x.y|1 .real|1.real|1..real|-'a'|-True|-None|+1.5|-(1)|-(-1)|(-1)|(-1)+2j|1+(2j)|1-2|'a'+'b'|[1]+[2]|[1]*2|2**3|1/2|1//2|1%2|
2021-10-01|2021-01|10:30|1:2|2024-06-15T12:30:45Z|1.2.3|1.2.3.4|192.168.0.1|0.0.0.0|+49 123 456|(555) 123|12-34|1-2j|1e5e5|1e+5|1e_5|1_e5|0xDEADBEEFDEADBEEFDEADBEEFDEADBEEFDEADBEEF|123456789012345678901234567890|-0|-0.0|0.0|1e16|1e15|123456789.123456789|1e-5|0.0001|0.00001|1E400|9007199254740993.0|
nan|inf|{'n': nan}|{'n': None}|null|undefined|b|r|u|br|B|T|F|N|s|e5|E|j|1J|0j|1.5j|(1,2j)|[1j]|{1j:2}|<html>|@|$5|$|%|a@b.c|/path/x|https://x.y|key=value|key: value|- a|? |!|`a`|;|5;|5;6|:|{|}|[|]|(|)|{1:|{1:2|{:}|{1 2}|{1:2 3:4}|[1:2]|(1:2)|\\|\\n|\\\n5|5 \\\n|5 if|and|or 1|1 and 2|1 or 2|is|in|print(1)|__debug__|Ellipsis|NotImplemented|[...]|{...: 1}|(...,)|'a',|'a','b'|None,|True, False|1,# c|1, # c\n|[#\n1]|{#c\n1:#d\n2}|(\n)|[\n\n]|\x0c5|5\x0c|\u00a05|5\u00a0|5\u2003|٣|x٣|𝟓|1٣|'٣'|-٣|0_1|1_0.0_1|1_0.|._1|1._5|.5_5|.5__5|1.e5|1.e|.e5|.|..|'a'.b|'a'[0]|'a'%1|"%s"|'{}'.format(1)|[1, 2][0]|{'a': 1}.x""".split("|")


def pieces():
    return random.choice(["1", "0", "-", "+", ".", "e", "_", "j", "0x", "'", '"', "a", "\\", "n", "(", ")", "[", "]", "{", "}", ",", ":", " ", "\n", "#", "None", "True", "b'", "r'", "'a'", "1.5", "é", "...", "set()", "\t", "'''"])


def value(depth=0):
    kind = random.randrange(12 if depth < 3 else 6)
    if kind < 2:
        return repr(random.choice([0, 1, -1, 7, 10**random.randrange(25), -random.randrange(1000)]))
    if kind == 2:
        return repr(random.choice([0.0, 1.5, -2.25, random.random() * 10 ** random.randrange(-20, 20), 1e16, 5e-324, 1.7976931348623157e308]))
    if kind < 5:
        return repr("".join(random.choice("ab'\"\\\n\té🐢\x00\x7f{}, ") for _ in range(random.randrange(6))).replace("\x00", ""))
    if kind == 5:
        return random.choice(["None", "True", "False", "...", "b'a\\x00'", "''"])
    items = [value(depth + 1) for _ in range(random.randrange(4))]
    if kind < 8:
        return "[" + random.choice([", ", ",", " ,\n"]).join(items) + random.choice(["", " "]) + "]"
    if kind == 8:
        return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
    if kind == 9:
        return "{" + ", ".join(items or ["1"]) + "}"
    return "{" + ", ".join(f"{value(3)}: {item}" for item in items) + "}"


def broken(text):
    at = random.randrange(len(text) + 1)
    return random.choice([text[:at] + text[at + 1 :], text[:at] + pieces() + text[at:], text[at:], text + pieces(), " " + text, text + " # c"])


texts = list(dict.fromkeys(FIXED + [value() for _ in range(700)] + ["".join(pieces() for _ in range(random.randrange(1, 6))) for _ in range(900)] + [broken(value(1)) for _ in range(900)]))
KINDS = {type(None): "None", bool: "Bool", int: "Int", float: "Float", str: "Str", list: "List", dict: "Dict", tuple: "Tuple", bytes: "Bytes", set: "Set", type(...): "Ellipsis"}


def ordered(value):
    """A set of several has no order that could be compared."""
    if isinstance(value, set):
        return len(value) < 2
    if isinstance(value, dict):
        return all(map(ordered, value.values())) and all(map(ordered, value))
    return all(map(ordered, value)) if isinstance(value, (list, tuple)) else True


rows = []
for text in texts:
    try:
        made = ast.literal_eval(text)
        if isinstance(made, complex):
            made = text
        if not ordered(made):
            continue
        printed = str(made)
        printed.encode()
        rows.append([text, KINDS[type(made)], printed] if type(made) is not str or made != text else [text])
    except (ValueError, SyntaxError, TypeError):
        try:
            text.encode()
            rows.append([text])
        except UnicodeEncodeError:
            pass
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(rows, ensure_ascii=False, separators=(",", ":")))
print(len(rows), sum(len(row) > 1 for row in rows))
