package templates

import (
	_ "embed"
	"html/template"
)

// Script is the browser client of hotstart watch: it reloads the page, and shows errors.
//
//go:embed browser/hotstart.js
var Script []byte

// LogScript sends the errors of a page to hotstart watch. It is the first part of a script that ends with Script.
//
//go:embed browser/log.js
var LogScript []byte

//go:embed browser/error.html
var errorPage string

// ErrorPage is the page that hotstart serves while the program does not build or start.
func ErrorPage() *template.Template {
	return template.Must(template.New("error.html").Parse(errorPage))
}
