package browser

import "testing"

func TestBlocking(t *testing.T) {
	const plain, nonce = `<script src="/.hotstart/hotstart.js"></script>`, `<script src="/.hotstart/hotstart.js" nonce="abc"></script>`
	for _, test := range []struct{ policy, tag, directive string }{
		{"", plain, ""},
		{"img-src 'none'", plain, ""},
		{"default-src 'self'", plain, ""},
		{"default-src 'none'", plain, "default-src 'none'"},
		{"default-src 'none'; script-src 'self'", plain, "default-src 'none'"}, // the connection
		{"default-src 'none'; script-src 'self'; connect-src 'self'", plain, ""},
		{"default-src 'none'; script-src 'self'; connect-src *", plain, ""},
		{"connect-src https://api.example", plain, "connect-src https://api.example"},
		{"script-src 'self'; script-src-elem 'none'", plain, "script-src-elem 'none'"},
		{"script-src 'none'; script-src 'self'", plain, "script-src 'none'"},
		{"SCRIPT-SRC 'Self'", plain, ""},
		{"script-src 'nonce-abc'", nonce, ""},
		{"script-src 'nonce-abc' 'strict-dynamic'", nonce, ""},
		{"script-src 'nonce-x' 'sha256-y'", nonce, "script-src 'nonce-…' 'sha256-y'"},
		{"script-src 'self' 'strict-dynamic'", plain, "script-src 'self' 'strict-dynamic'"},
		{"script-src http://localhost:8080 https:", plain, ""},
		{"script-src localhost:*", plain, ""},
		{"script-src", plain, "script-src "},
		{"default-src 'self',script-src 'none'", plain, "script-src 'none'"},
		{"sandbox allow-forms", plain, "sandbox"},
		{"sandbox allow-scripts", plain, ""},
	} {
		if got := blocking(test.policy, test.tag); got != test.directive {
			t.Errorf("%s: %q, want %q", test.policy, got, test.directive)
		}
	}
}

func TestBlockingElement(t *testing.T) {
	const tag = `<script src="/.hotstart/hotstart.js"></script>`
	for _, test := range []struct{ element, before, after string }{ // what blocks a tag before or after the element
		{"", "", ""},
		{"<meta http-equiv=Content-Security-Policy>", "", ""},
		{"<p content=\"default-src 'none'\">", "", ""},
		{"<meta name=content-security-policy data-content=\"default-src 'none'\">", "", ""},
		{"<meta content=\"default-src 'self'\">", "", ""},
		{"<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\">", "", "script-src 'none'"},
		{"<META\nCONTENT = 'script-src &#39;none&#39;; connect-src https:' x>", "", "script-src 'none'"},
		{"<meta content='default-src https://a.example'>", "default-src https://a.example", "default-src https://a.example"},
		{"<meta content=\"script-src 'nonce-a'; connect-src b.example\">", "connect-src b.example", "script-src 'nonce-…'"},
		{"<meta content=sandbox>", "", ""},
		{"<meta content='sandbox'>", "", ""},
	} {
		for inHead, want := range map[bool]string{true: test.before, false: test.after} {
			if want != "" {
				want += " (in a <meta> element)"
			}
			if got := blockingElement(test.element, tag, inHead); got != want {
				t.Errorf("%s, before it %v: %q, want %q", test.element, inHead, got, want)
			}
		}
	}
}
