// Package page has the status page of a framework: HTML, CSS and JavaScript that are embedded in the program. The page shows what
// the API of package controlapi says, and follows it through server-sent events.
//
// It promises that the page loads nothing from elsewhere, that nothing that a task, an agent or a master says can become markup or
// be run (the browser is told to refuse both), and that the files have no secrets, so that they may be served to anybody. What it
// does not do is to serve data or to check who asks: that is the API's.
//
// There are no goroutines.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"strings"
	"time"
)

//go:embed assets
var assets embed.FS

// policy lets the page use its own files and its own server, and nothing else: no inline script or style, no plug-in, no form that
// is sent, no frame around it. Trusted Types make the browser refuse any text that is to become markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// types are the media types of the files, by their ending. The system's own table may say otherwise.
var types = map[string]string{
	"html": "text/html; charset=utf-8",
	"css":  "text/css; charset=utf-8",
	"js":   "text/javascript; charset=utf-8",
	"svg":  "image/svg+xml",
}

// Handler returns a handler for "GET /" and for everything below "/assets/". The paths of the page are relative, so that a proxy
// may put it below a path of its own, together with the API.
func Handler() http.Handler {
	files := make(map[string]file)
	_ = fs.WalkDir(assets, "assets", func(name string, d fs.DirEntry, err error) error { // an embedded file can be read
		if err != nil || d.IsDir() {
			return err
		}
		data, err := assets.ReadFile(name)
		sum := sha256.Sum256(data)
		files["/"+name] = file{data: data, kind: types[name[strings.LastIndexByte(name, '.')+1:]], tag: `"` + hex.EncodeToString(sum[:12]) + `"`}
		return err
	})
	files["/"] = files["/assets/index.html"]
	delete(files, "/assets/index.html")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, found := files[r.URL.Path]
		if !found {
			http.NotFound(w, r)
			return
		}
		f.serve(w, r)
	})
}

// file is a file of the page.
type file struct {
	data      []byte
	kind, tag string
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache") // it may be kept, and is asked for again: a new version of the program has a new page
	h.Set("ETag", f.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
}
