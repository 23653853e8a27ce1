package report

import (
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// Objects passes each event on as one JSON object, without a line end.
type Objects struct {
	View
	To func(object []byte)
}

// Handle implements Sink.
func (o Objects) Handle(e Event) {
	v := o.View
	v.JSON = true
	if entry := e.entry(v); entry.name != "" && entry.only != onlyText {
		entry.text = term.Clean(entry.text)
		o.To([]byte(entry.object(time.Now())))
	}
}
