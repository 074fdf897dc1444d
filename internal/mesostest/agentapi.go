package mesostest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// serveAgent answers as mesos-agent does: its state, and the files of its sandboxes.
func (m *Master) serveAgent(a *agent, w http.ResponseWriter, r *http.Request) {
	alive := false
	if m.do(r.Context(), func() { alive = a.alive }) != nil {
		cutter(r)()
		return
	}
	if !alive { // it is frozen
		<-r.Context().Done()
		return
	}
	switch strings.TrimPrefix(r.URL.Path, "/slave(1)") {
	case "/state":
		m.serveState(w, r, func() any { return m.agentState(a) })
	case "/containers":
		m.serveState(w, r, func() any { return viewAll(a.containers(false), containerView) })
	case "/files/browse":
		m.browseFiles(a, w, r)
	case "/files/read":
		m.readFiles(a, w, r)
	case "/files/download":
		m.downloadFile(a, w, r)
	case "/files/debug":
		m.serveState(w, r, a.attachedView)
	case "/health":
		answer(w, http.StatusOK, "")
	case "/version":
		answerJSON(w, r, buildInfo())
	case "/api/v1":
		m.serveAgentCall(a, w, r)
	default:
		answer(w, http.StatusNotFound, "404 Not Found.")
	}
}

// missing answers for a file that is not there, in words of its own.
func missing(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	answer(w, http.StatusNotFound, "")
}

// filePath returns the path that a request asks for; when there is none it has answered.
func filePath(w http.ResponseWriter, query url.Values) (path string, ok bool) {
	if path = query.Get("path"); path == "" {
		answer(w, http.StatusBadRequest, "Expecting 'path=value' in query.\n")
		return "", false
	}
	return path, true
}

// lookUp finds a file and what is in it if it is a folder; when there is none it has answered. The
// nodes are copies, but for the data, to which a task only ever adds.
func (m *Master) lookUp(a *agent, w http.ResponseWriter, r *http.Request, path string) (n *entry, children []*entry) {
	if m.do(r.Context(), func() {
		var tree []*entry
		if n, tree = a.find(path); n != nil {
			children = n.children(tree)
		}
	}) != nil {
		cutter(r)()
		return nil, nil
	}
	if n == nil {
		missing(w)
	}
	return n, children
}

// below returns the path of a child under the name by which its folder was asked for.
func (n *entry) below(folder string) string {
	return strings.TrimSuffix(folder, "/") + "/" + n.path[strings.LastIndexByte(n.path, '/')+1:]
}

func (m *Master) browseFiles(a *agent, w http.ResponseWriter, r *http.Request) {
	path, ok := filePath(w, r.URL.Query())
	if !ok {
		return
	}
	n, children := m.lookUp(a, w, r, path)
	if n == nil {
		return
	}
	answerJSONP(w, r, viewAll(children, func(child *entry) any {
		return map[string]any{
			"path": child.below(path), "mode": child.modeText(), "nlink": child.links, "size": child.size,
			"mtime": float64(child.changed.Unix()), "uid": "root", "gid": "root",
		}
	}))
}

func (m *Master) readFiles(a *agent, w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	path, ok := filePath(w, query)
	if !ok {
		return
	}
	offset, ok := number(w, query, "offset")
	if !ok {
		return
	}
	length, ok := number(w, query, "length")
	if !ok {
		return
	}
	n, _ := m.lookUp(a, w, r, path)
	switch {
	case n == nil:
	case n.folder:
		answer(w, http.StatusBadRequest, "Cannot read a directory.\n")
	case offset < 0:
		answerJSONP(w, r, map[string]any{"data": "", "offset": n.size})
	default:
		answerJSONP(w, r, map[string]any{"data": string(n.read(offset, length)), "offset": offset})
	}
}

// number reads a parameter, by default -1; when it is none it has answered.
func number(w http.ResponseWriter, query url.Values, name string) (value int64, ok bool) {
	text := query.Get(name)
	if text == "" {
		return -1, true
	}
	value, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		answer(w, http.StatusBadRequest, "Failed to parse "+name+": Failed to convert '"+text+"' to number.\n")
		return 0, false
	case value < -1:
		answer(w, http.StatusBadRequest, "Negative "+name+" provided: "+text+".\n")
		return 0, false
	}
	return value, true
}

func (m *Master) downloadFile(a *agent, w http.ResponseWriter, r *http.Request) {
	path, ok := filePath(w, r.URL.Query())
	if !ok {
		return
	}
	var n *entry
	if m.do(r.Context(), func() { n, _ = a.find(path) }) != nil {
		cutter(r)()
		return
	}
	switch {
	case n == nil:
		answer(w, http.StatusNotFound, "404 Not Found.")
	case n.folder:
		answer(w, http.StatusBadRequest, "Cannot download a directory.\n")
	default:
		w.Header().Set("Content-Disposition", "attachment; filename="+n.path[strings.LastIndexByte(n.path, '/')+1:])
		answerBody(w, r, "application/octet-stream", n.data)
	}
}

// attachedView returns /files/debug: the folders that are attached, by all their names.
func (a *agent) attachedView() any {
	view := map[string]string{}
	for _, e := range a.everyExecutor() {
		for _, name := range e.names() {
			view[name] = e.directory()
		}
	}
	return view
}

// answerJSONP writes a value, as a call of the function that the parameter jsonp names.
func answerJSONP(w http.ResponseWriter, r *http.Request, view any) {
	function := r.URL.Query().Get("jsonp")
	if function == "" {
		answerJSON(w, r, view)
		return
	}
	body, err := json.Marshal(view)
	if err != nil {
		answer(w, http.StatusInternalServerError, err.Error())
		return
	}
	answerBody(w, r, "text/javascript", []byte(function+"("+string(body)+")"))
}
