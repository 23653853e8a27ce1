// A server with pages of many kinds, by HTTP and, with TLS, by HTTP/2.
package main

import (
	"compress/gzip"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
	"golang.org/x/net/websocket"
)

const page = "<!doctype html>\n<html><head><title>page</title></head><body><p id=text>TEXT</p></body></html>\n"

//go:embed style.css
var style string

var templates = template.Must(template.New("").Parse(`{{define "page"}}

<!doctype html><title>page</title>{{range .}}<p id=text>{{.}}</p>{{end}}{{end}}`))

func withPolicy(policy string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		h(w, r)
	}
}

func withElement(policy string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.Replace(page, "<title>", `<meta http-equiv="Content-Security-Policy" content="`+policy+`"><title>`, 1))
	}
}

func write(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, page) }

// compressed compresses for clients that accept it.
func compressed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Vary", "Accept-Encoding")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		io.WriteString(w, page)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	io.WriteString(z, page)
	z.Close()
}

func script(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, page+"<script>"+text+"</script>") }
}

func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for r.Context().Err() == nil {
		fmt.Fprint(w, "data: TEXT\n\n")
		w.(http.Flusher).Flush()
		time.Sleep(10 * time.Millisecond)
	}
}

// large sends 100 MB in parts.
func large(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, page)
	part := []byte("<p>" + strings.Repeat("x", 1<<20-len("<p>")))
	for range 100 {
		w.Write(part)
		w.(http.Flusher).Flush()
	}
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			w.Write(append([]byte("TEXT "), body...))
			return
		}
		write(w, r)
	})
	mux.HandleFunc("/template", func(w http.ResponseWriter, r *http.Request) { templates.ExecuteTemplate(w, "page", []string{"TEXT"}) })
	mux.Handle("/templ", templ.Handler(templ.Raw(page)))
	mux.HandleFunc("/gzip", compressed)
	mux.HandleFunc("/nonce", withPolicy("default-src 'none'; script-src 'nonce-r4nd'; connect-src 'self'", write))
	mux.HandleFunc("/self", withPolicy("default-src 'self'", write))
	mux.HandleFunc("/blocked", withPolicy("script-src 'none'", write))
	mux.HandleFunc("/meta", withElement("default-src 'self'"))
	mux.HandleFunc("/blocked-meta", withElement("script-src 'none'; connect-src 'none'"))
	mux.HandleFunc("/styled", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Replace(page, "<title>", "<link rel=stylesheet href=/static/style.css><title>", 1))
	})
	mux.HandleFunc("/static/style.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		io.WriteString(w, style)
	})
	mux.HandleFunc("/json", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"text": "<p>"}`) })
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"TEXT"`)
		http.ServeContent(w, r, "index.html", time.Time{}, strings.NewReader(page))
	})
	mux.HandleFunc("/large", large)
	mux.HandleFunc("/faulty", script(`console.error("\u001b[2Jfault", 1)`))
	mux.HandleFunc("/sse", script(`new EventSource("/sse/events").onmessage = (e) => { document.title = "event " + e.data }`))
	mux.HandleFunc("/sse/events", events)
	mux.HandleFunc("/ws", script(`const socket = new WebSocket("ws://" + location.host + "/ws/socket");
		socket.onopen = () => socket.send("hello"); socket.onmessage = (e) => { document.title = "message " + e.data }`))
	mux.Handle("/ws/socket", websocket.Handler(func(conn *websocket.Conn) { io.Copy(conn, conn) }))
	mux.HandleFunc("/htmx", script(`fetch("/template", {headers: {"HX-Request": "true"}}).then((r) => r.text()).then((t) => { document.title = "fragment " + t.length })`))

	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	g.SetHTMLTemplate(templates)
	g.GET("/gin", func(c *gin.Context) { c.HTML(http.StatusOK, "page", []string{"TEXT"}) })
	mux.Handle("/gin", g)

	e := echo.New()
	e.Use(echomiddleware.Gzip())
	e.GET("/echo", func(c echo.Context) error { return c.HTML(http.StatusOK, page) })
	mux.Handle("/echo", e)

	c := chi.NewRouter()
	c.Use(middleware.Compress(5), middleware.Logger)
	c.Get("/chi", write)
	mux.Handle("/chi", c)

	go func() { log.Fatal(http.ListenAndServeTLS(os.Getenv("SECOND"), "cert.pem", "key.pem", mux)) }()
	log.Fatal(http.ListenAndServe(os.Getenv("ADDRESS"), mux))
}
