package page_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi/page"
)

func request(method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	r.URL.Path = path
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	page.Handler().ServeHTTP(w, r)
	return w
}

func TestHandlerServesTheFilesWithTheirPolicy(t *testing.T) {
	kinds := map[string]string{"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
	require.NoError(t, fs.WalkDir(os.DirFS("."), "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		path := "/" + name
		if name == "assets/index.html" {
			path = "/"
		}
		want, err := os.ReadFile(name)
		require.NoError(t, err)
		w := request("GET", path)
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Equal(t, string(want), w.Body.String())
		h := w.Result().Header
		require.Equal(t, kinds[name[strings.LastIndexByte(name, '.')+1:]], h.Get("Content-Type"), "%s: a file of another kind needs a media type", name)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		for _, directive := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:", "base-uri 'none'",
			"form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
		} {
			require.Contains(t, strings.Split(h.Get("Content-Security-Policy"), "; "), directive)
		}
		require.NotContains(t, h.Get("Content-Security-Policy"), "unsafe")
		tag := h.Get("ETag")
		require.Regexp(t, `^"[0-9a-f]{24}"$`, tag)
		again := request("GET", path, "If-None-Match", tag)
		require.Equal(t, http.StatusNotModified, again.Code)
		require.Zero(t, again.Body.Len())
		require.Equal(t, http.StatusOK, request("GET", path, "If-None-Match", `"another"`).Code)
		require.Zero(t, request("HEAD", path).Body.Len())
		return nil
	}))
}

func TestHandlerHasNothingElse(t *testing.T) {
	for _, path := range []string{
		"", "/index.html", "/assets", "/assets/", "/assets/index.html", "/assets/../page.go", "/assets/../assets/app.js", "//assets/app.js", "/assets//app.js",
		"/assets/./app.js", "/page.go", "/assets/app.js/", "/assets/app.js\x00", "/assets/%2e%2e/page.go", "/ASSETS/app.js", "/favicon.ico",
	} {
		require.Equal(t, http.StatusNotFound, request("GET", path).Code, path)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "TRACE", "CONNECT", "get"} {
		w := request(method, "/")
		require.Equal(t, http.StatusMethodNotAllowed, w.Code, method)
		require.Equal(t, "GET, HEAD", w.Result().Header.Get("Allow"))
	}
}

// What the policy of the page does not allow, it must not need either. What the browser would find only where it looks, is
// looked for here in all of it.
func TestFilesNeedNothingFromElsewhereAndMakeNoMarkup(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		"a URL of another server":          regexp.MustCompile(`(?:https?:)?//[\w-]+\.[\w.-]+`),
		"text that becomes markup":         regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc|setHTML`),
		"text that becomes code":           regexp.MustCompile(`\beval\(|new Function|setTimeout\(["'` + "`" + `]|javascript:|importScripts`),
		"an inline style, or a style text": regexp.MustCompile(`<style|\sstyle="|cssText|setAttribute\("style"`),
		"an inline script or a handler":    regexp.MustCompile(`<script(?:[^>]*[^-])?>[^<]|\son[a-z]+="`),
		"an import of another folder":      regexp.MustCompile(`from "(?:[^.]|\.[^/])`),
	}
	refs := regexp.MustCompile(`(?:href|src)="(assets/[^"]+)"|from "\./([^"]+)"`)
	index := ""
	require.NoError(t, fs.WalkDir(os.DirFS("."), "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		text := strings.ReplaceAll(string(data), "http://www.w3.org/2000/svg", "") // a name, not a place
		for what, pattern := range forbidden {
			require.Empty(t, pattern.FindAllString(text, -1), "%s has %s", name, what)
		}
		for _, ref := range refs.FindAllStringSubmatch(text, -1) {
			file := ref[1]
			if file == "" {
				file = "assets/" + ref[2]
			}
			_, err := os.Stat(file)
			require.NoError(t, err, "in %s", name)
		}
		if name == "assets/index.html" {
			index = text
		}
		return nil
	}))
	// Modules that are not named in the page are found one after the other, each after a round trip.
	modules, err := fs.Glob(os.DirFS("."), "assets/*.js")
	require.NoError(t, err)
	for _, module := range modules {
		require.Contains(t, index, `"`+module+`"`)
	}
	for _, control := range []string{`<script>x()</script>`, `<a onclick="x()">`, `x.innerHTML = y`, `fetch("https://example.com/")`, `<b style="x">`, `setTimeout("x()")`, `import "a"; import b from "c"`} {
		found := false
		for _, pattern := range forbidden {
			found = found || pattern.MatchString(control)
		}
		require.True(t, found, "control: %s", control)
	}
}
