package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
)

// readInline returns the members of an inline document, with numbers as they are written.
func readInline(text string) (map[string]any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var document map[string]any
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("something follows the document")
	}
	return document, nil
}

// pythonJSON is json.dumps(value, sort_keys=True, separators=(",", ":")) of what has no floats.
func pythonJSON(into *bytes.Buffer, value any) {
	switch value := value.(type) {
	case nil:
		into.WriteString("null")
	case string:
		pythonString(into, value)
	case []any:
		writeAll(into, "[]", value, func(item any) { pythonJSON(into, item) })
	case map[string]any:
		names := make([]string, 0, len(value))
		for name := range value {
			names = append(names, name)
		}
		// UTF-8 sorts as code points do.
		slices.Sort(names)
		writeAll(into, "{}", names, func(name string) {
			pythonString(into, name)
			into.WriteByte(':')
			pythonJSON(into, value[name])
		})
	default:
		fmt.Fprint(into, value)
	}
}

func writeAll[Item any](into *bytes.Buffer, brackets string, items []Item, write func(Item)) {
	into.WriteByte(brackets[0])
	for i, item := range items {
		if i > 0 {
			into.WriteByte(',')
		}
		write(item)
	}
	into.WriteByte(brackets[1])
}

var shortEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

// pythonString escapes all but printable ASCII, above U+FFFF as two surrogates.
func pythonString(into *bytes.Buffer, text string) {
	into.WriteByte('"')
	for _, character := range text {
		short, hasShort := shortEscapes[character]
		switch {
		case hasShort:
			into.WriteString(short)
		case character >= ' ' && character <= '~':
			into.WriteRune(character)
		default:
			for _, unit := range utf16.Encode([]rune{character}) {
				fmt.Fprintf(into, `\u%04x`, unit)
			}
		}
	}
	into.WriteByte('"')
}
