package proc

import (
	"encoding/binary"
	"regexp"
	"testing"
)

// swapped returns a text of a little-endian machine as this machine writes it.
func swapped(text string) string {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return text
	}
	return regexp.MustCompile(`(..)(..)(..)(..)`).ReplaceAllString(text, "$4$3$2$1")
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string // on a little-endian machine
		want string
	}{
		{"0100007F:1A0B", "127.0.0.1:6667"},
		{"00000000:0050", "0.0.0.0:80"},
		{"00000000000000000000000001000000:1F90", "[::1]:8080"},
		{"0000000000000000FFFF00000100007F:1F90", "127.0.0.1:8080"},
		{"0100007F", ""},
		{"0100:1F90", ""},
		{"0100007F01:1F90", ""},
		{"zz00007F:1F90", ""},
		{"", ""},
	} {
		if got, err := parseAddress(swapped(test.text)); err == nil && got.String() != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%q is %v, %v, want %q", test.text, got, err, test.want)
		}
	}
}
