"""Writes python-json.json, the vectors of shared/canonical/python-json.ts, with Python's own json module.

Run it after adding a case:  python3 test/vectors/make-python-json.py

`input` is a JSON text. `output_hex` is json.dumps(json.loads(input), sort_keys=True, separators=(',', ':')).
"""

import json
import pathlib

CASES = {
    "empty containers": '{"o":{},"a":[],"s":""}',
    "empty object": "{}",
    "empty array": "[]",
    "literals": '{"t":true,"f":false,"n":null}',
    "white space goes": ' { "b" : [ 1 , 2 ] ,\n\t"a" : "x y" } ',
    "nested and sorted at every level": '{"b":[{"z":1,"a":{"d":4,"c":3}}],"a":[[[]]]}',
    "largest safe integers": '{"max":9007199254740991,"min":-9007199254740991,"zero":0}',
    "minus zero is the integer zero": '{"zero":-0}',
    "a name": '{"name":"Société Générale 東京 😀"}',
    "short escapes": r'"\b\f\n\r\t\"\\\/"',
    "every other control character": json.dumps("".join(map(chr, range(0x20)))),
    "DEL and its neighbours": '"~\u007f\u0080\u009f\u00a0"',
    "line and paragraph separators": '"\u2028\u2029"',
    "ends of the planes": '"\ud7ff\ue000\ufeff\uffff\U00010000\U0010ffff"',
    "a pair written as escapes": r'"\ud83d\ude00"',
    "characters of HTML": "\"</script>&'\"",
    "keys by code point: U+FF5E before U+1F600": '{"😀":1,"\uff5e":2}',
    "keys by code point, behind a common beginning": '{"a😀":1,"a\uff5e":2,"a":3,"a\ud7ff":4,"a\ue000":5}',
    "astral keys among themselves": '{"\U0010ffff":1,"\U00010000":2,"😁":3,"😀":4}',
    "a key that begins another": '{"aa":1,"a":2,"":3,"aaa":4}',
    "digits are ordered as text": '{"10":1,"9":2,"1":3,"-1":4}',
    "capitals before small letters": '{"b":1,"B":2,"a":3,"A":4,"_":5,"é":6}',
    "keys that need escapes": r'{"\u0000":1,"\n":2,"\"":3,"\\":4,"é":5,"\u007f":6}',
    "a key __proto__": '{"__proto__":{"x":1},"constructor":2,"toString":3}',
    "an inline licence document": (
        '{"license_key":"DT1-CORE-5dd8e1db-d90c4656","session_id":"ses_0f","tier":"pro",'
        '"expires_at":"2026-12-21T00:00:00+00:00","signed_at":"2026-11-21T00:00:00.123+00:00",'
        '"features":["export","sso"],"allowed_major_versions":[16,17],"borrowed":false,"nonce":null,'
        '"customer":{"name":"Société Générale 東京 😀","id":"c-1"}}'
    ),
}


def vector(name, text):
    output = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    return {"name": name, "input": text, "output_hex": output.encode("ascii").hex()}


def main():
    path = pathlib.Path(__file__).with_name("python-json.json")
    vectors = [vector(name, text) for name, text in CASES.items()]
    path.write_text(json.dumps(vectors, indent=2) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
