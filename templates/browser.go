package templates

import (
	_ "embed"
	"html/template"
)

// Script is the client that a page includes to follow what it is served by.
//
//go:embed browser/hotstart.js
var Script []byte

//go:embed browser/error.html
var errorPage string

// ErrorPage is the page that is served in place of a program that does not
// build or start.
func ErrorPage() *template.Template {
	return template.Must(template.New("error.html").Parse(errorPage))
}
