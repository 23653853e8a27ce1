package browser

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

// The directives of a Content-Security-Policy that decide about a script and about its connection: the first one that a
// policy has.
var (
	scriptDirectives  = []string{"script-src-elem", "script-src", "default-src"}
	connectDirectives = []string{"connect-src", "default-src"}
)

// blocking returns the directive of a Content-Security-Policy that blocks the tag of the script, or its connection to
// its own origin; "" if both are allowed. A list of policies is separated by commas.
func blocking(policies, tag string) string {
	for text := range strings.SplitSeq(policies, ",") {
		p := parsePolicy(text)
		if allowed, ok := p["sandbox"]; ok && !strings.Contains(strings.Join(allowed, " "), "allow-scripts") {
			return "sandbox"
		}
		for _, names := range [][]string{scriptDirectives, connectDirectives} {
			if directive := p.blocking(names, tag); directive != "" {
				return directive
			}
		}
	}
	return ""
}

// policyContent matches the policy in an element <meta http-equiv="Content-Security-Policy">.
var policyContent = regexp.MustCompile(`(?is)^<meta\s(?:.*\s)?content\s*=\s*(?:"([^"]*)"|'([^']*)')`)

// blockingElement is blocking for the policy of an element of the page, which does not apply to a tag before it, and in
// which "sandbox" has no effect (CSP3, section 3.3).
func blockingElement(element, tag string, tagIsBefore bool) string {
	content := policyContent.FindStringSubmatch(element)
	if content == nil {
		return ""
	}
	p := parsePolicy(html.UnescapeString(content[1] + content[2]))
	directive := p.blocking(connectDirectives, tag)
	if first := p.blocking(scriptDirectives, tag); first != "" && !tagIsBefore {
		directive = first
	}
	if directive != "" {
		directive += " (in a <meta> element)"
	}
	return directive
}

// policy has the values of each directive of a Content-Security-Policy.
type policy map[string][]string

func parsePolicy(text string) policy {
	p := policy{}
	for directive := range strings.SplitSeq(text, ";") {
		words := strings.Fields(directive)
		if len(words) == 0 {
			continue
		}
		name := strings.ToLower(words[0])
		if _, again := p[name]; !again { // the first one counts
			p[name] = words[1:]
		}
	}
	return p
}

// blocking returns the first directive with one of the names if it blocks the tag or its own origin.
func (p policy) blocking(names []string, tag string) string {
	for _, name := range names {
		if sources, ok := p[name]; ok {
			if allow(sources, tag) {
				return ""
			}
			return name + " " + withoutNonces(sources)
		}
	}
	return ""
}

// allow reports whether sources of a Content-Security-Policy allow the page's own origin, or the nonce of the tag. A
// host of loopback is taken for the page's own.
func allow(sources []string, tag string) bool {
	own, strict := false, false
	for _, source := range sources {
		nonce, isNonce := strings.CutPrefix(source, "'nonce-")
		if isNonce && strings.Contains(tag, `nonce="`+strings.TrimSuffix(nonce, "'")+`"`) {
			return true
		}
		u, err := url.Parse(source)
		switch strings.ToLower(source) {
		case "'strict-dynamic'":
			strict = true
		case "'self'", "*", "http:", "https:":
			own = true
		default:
			own = own || isLoopback(source) || err == nil && isLoopback(u.Host)
		}
	}
	return own && !strict
}

// withoutNonces returns sources as text that is the same for each answer.
func withoutNonces(sources []string) string {
	var all []string
	for _, source := range sources {
		if strings.HasPrefix(source, "'nonce-") {
			source = "'nonce-…'"
		}
		all = append(all, source)
	}
	return strings.Join(all, " ")
}
