package proc

import "testing"

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text   string
		little bool
		want   string
	}{
		{"0100007F:1A0B", true, "127.0.0.1:6667"},
		{"7F000001:1A0B", false, "127.0.0.1:6667"},
		{"00000000:0050", true, "0.0.0.0:80"},
		{"00000000000000000000000001000000:1F90", true, "[::1]:8080"},
		{"0000000000000000FFFF00000100007F:1F90", true, "127.0.0.1:8080"},
		{"00000000000000000000000000000000:1F90", false, "[::]:8080"},
		{"0100007F", true, ""},
		{"0100:1F90", true, ""},
		{"0100007F01:1F90", true, ""},
		{"zz00007F:1F90", true, ""},
		{"", true, ""},
	} {
		if got, err := parseAddress(test.text, test.little); err == nil && got.String() != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%q is %v, %v, want %q", test.text, got, err, test.want)
		}
	}
}
