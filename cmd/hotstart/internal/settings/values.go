package settings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// A Value fills an option from text. It parses and checks a text when it is
// set. The functions of this package make every Value; the default is the
// value that the option has then.
type Value interface {
	pflag.Value
	kind() kind
}

// kind is the type of a value in hotstart.toml.
type kind int

const (
	stringKind kind = iota
	boolKind
	durationKind
	listKind
)

// scalar is a Value that is not a list.
type scalar[T any] struct {
	to    *T
	text  string
	word  string // name of the value in the help
	type_ kind
	parse func(string) (T, error)
}

func (s *scalar[T]) Set(text string) error {
	value, err := s.parse(text)
	if err == nil {
		*s.to, s.text = value, text
	}
	return err
}

func (s *scalar[T]) String() string { return s.text }
func (s *scalar[T]) Type() string   { return s.word }
func (s *scalar[T]) kind() kind     { return s.type_ }

// Parsed returns a Value with a function that parses its text, and the text of
// its default. word names the value in the help, if the usage text does not. An
// error of parse should name the text.
func Parsed[T any](to *T, word, text string, parse func(string) (T, error)) Value {
	return &scalar[T]{to: to, text: text, word: word, parse: parse}
}

// String returns a Value that takes any text.
func String(to *string) Value {
	return Parsed(to, "text", *to, func(text string) (string, error) { return text, nil })
}

// Words returns a Value that is split into words at white space, except between
// quotes. The default is empty.
func Words(to *[]string) Value { return Parsed(to, "words", "", splitWords) }

func splitWords(s string) ([]string, error) {
	var words []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		var word strings.Builder
		for s != "" && s[0] != ' ' && s[0] != '\t' && s[0] != '\n' {
			if s[0] != '\'' && s[0] != '"' {
				word.WriteByte(s[0])
				s = s[1:]
				continue
			}
			quoted, rest, closed := strings.Cut(s[1:], s[:1])
			if !closed {
				return nil, fmt.Errorf("a %s is not closed", s[:1])
			}
			word.WriteString(quoted)
			s = rest
		}
		words = append(words, word.String())
	}
	return words, nil
}

// Bool returns a Value that takes true or false; the flag alone is true.
func Bool(to *bool) Value {
	return &scalar[bool]{to, strconv.FormatBool(*to), "bool", boolKind, func(text string) (bool, error) {
		b, err := strconv.ParseBool(text)
		if err != nil {
			return false, wantError("true or false")
		}
		return b, nil
	}}
}

// Choice returns a Value that takes one of at least two words.
func Choice(to *string, words ...string) Value {
	return Parsed(to, strings.Join(words, "|"), *to, func(text string) (string, error) { return text, OneOf(text, words...) })
}

// Switch returns a Value that takes one word for true and one for false.
func Switch(to *bool, on, off string) Value {
	text := off
	if *to {
		text = on
	}
	return Parsed(to, on+"|"+off, text, func(text string) (bool, error) { return text == on, OneOf(text, on, off) })
}

// OneOf returns an error if text is not one of at least two words.
func OneOf(text string, words ...string) error {
	if slices.Contains(words, text) {
		return nil
	}
	last := len(words) - 1
	return wantError(strings.Join(words[:last], ", ") + " or " + words[last])
}

// Count returns a Value that takes a number of at least 0. It is for flags: in a
// file it is a string.
func Count(to *int) Value {
	return Parsed(to, "n", strconv.Itoa(*to), func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, wantError("a number")
		}
		return n, notNegative(n < 0)
	})
}

// Duration returns a Value that takes a duration of at least 0.
func Duration(to *time.Duration) Value {
	return &scalar[time.Duration]{to, durationText(*to), "duration", durationKind, parseDuration}
}

// PositiveDuration returns a Value that takes a duration of more than 0.
func PositiveDuration(to *time.Duration) Value {
	return &scalar[time.Duration]{to, durationText(*to), "duration", durationKind, func(text string) (time.Duration, error) {
		d, err := parseDuration(text)
		if err == nil && d == 0 {
			err = rangeError("must be greater than 0")
		}
		return d, err
	}}
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, wantError("a duration such as 500ms or 10s")
	}
	return d, notNegative(d < 0)
}

// Seconds is Duration for a flag that also takes a plain number of seconds,
// which parse reads.
func Seconds(to *time.Duration, parse func(string) (time.Duration, error)) Value {
	return &scalar[time.Duration]{to, durationText(*to), "seconds", durationKind, parse}
}

// durationText returns 5m instead of 5m0s, and 0, which the help leaves out as
// a default, instead of 0s.
func durationText(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	return text
}

// ParsePort returns a function that reads the number of a port, at least least.
func ParsePort(least int) func(string) (string, error) {
	return func(text string) (string, error) {
		if n, err := strconv.Atoi(text); err != nil || n < least || n > 65535 {
			return "", wantError(fmt.Sprintf("a port from %d to 65535", least))
		}
		return text, nil
	}
}

// list is a Value that can be given more than once.
type list[T any] struct {
	to     *[]T
	parse  func(string) (T, error)
	format func(T) string
	row    func(table map[string]any) (T, error) // nil: no tables
	fields []Field
}

// Strings returns a Value that is a list of texts.
func Strings(to *[]string) Value {
	return Checked(to, func(text string) (string, error) { return text, nil })
}

// Checked is Strings for texts that a function can parse.
func Checked[T any](to *[]string, parse func(string) (T, error)) Value {
	return &list[string]{
		to: to,
		parse: func(text string) (string, error) {
			_, err := parse(text)
			return text, err
		},
		format: func(text string) string { return text },
	}
}

// Tables returns a Value that is a list, the elements of which are texts or
// tables of hotstart.toml. row converts a table that has only the keys of
// fields, each with a string, a bool or a []string as its field says.
func Tables[T fmt.Stringer](to *[]T, parse func(string) (T, error), fields []Field, row func(map[string]any) (T, error)) Value {
	return &list[T]{to: to, parse: parse, format: T.String, row: row, fields: fields}
}

func (l *list[T]) Set(text string) error { return l.Append(text) }
func (l *list[T]) String() string        { return strings.Join(l.GetSlice(), "\n") }
func (l *list[T]) Type() string          { return "list" }
func (l *list[T]) kind() kind            { return listKind }
func (l *list[T]) tableFields() []Field  { return l.fields }

// Append, Replace and GetSlice make a pflag.SliceValue.
func (l *list[T]) Append(text string) error {
	value, err := l.parse(text)
	if err == nil {
		*l.to = append(*l.to, value)
	}
	return err
}

func (l *list[T]) Replace(texts []string) error {
	*l.to = nil
	for _, text := range texts {
		if err := l.Append(text); err != nil {
			return err
		}
	}
	return nil
}

func (l *list[T]) GetSlice() []string {
	texts := []string{}
	for _, value := range *l.to {
		texts = append(texts, l.format(value))
	}
	return texts
}

func (l *list[T]) appendTable(table map[string]any) error {
	value, err := l.row(table)
	if err == nil {
		*l.to = append(*l.to, value)
	}
	return err
}

// listValue is what every list[T] has.
type listValue interface {
	Value
	pflag.SliceValue
	tableFields() []Field
	appendTable(table map[string]any) error
}

// wantError says what a setting takes.
type wantError string

func (e wantError) Error() string { return "want " + string(e) }

// Want returns an error for a function of Parsed: its text is not what the
// setting takes.
func Want(what string) error { return wantError(what) }

// rangeError says what a number must or must not be.
type rangeError string

func (e rangeError) Error() string { return string(e) }

func notNegative(negative bool) error {
	if negative {
		return rangeError("must not be negative")
	}
	return nil
}

// Phrase returns an error that names the setting whose Set has refused a text.
func Phrase(name, text string, err error) error {
	switch err.(type) {
	case rangeError:
		return fmt.Errorf("%s %w", name, err)
	case wantError:
		return fmt.Errorf("invalid %s %q: %w", name, text, err)
	}
	if strings.HasPrefix(err.Error(), strings.TrimPrefix(name, "--")+" ") {
		return err // it names the setting itself
	}
	return fmt.Errorf("%s: %w", name, err)
}
