package conformance

import (
	"encoding/json"
	"net/http"
)

// masterView is a master's answer to /frameworks.
type masterView struct {
	Frameworks []frameworkView `json:"frameworks"`
	Completed  []frameworkView `json:"completed_frameworks"`
}

type frameworkView struct {
	ID              string     `json:"id"`
	Name            string     `json:"name"`
	User            string     `json:"user"`
	Active          bool       `json:"active"`
	Checkpoint      bool       `json:"checkpoint"`
	FailoverTimeout float64    `json:"failover_timeout"`
	Roles           []string   `json:"roles"`
	Capabilities    []string   `json:"capabilities"`
	Tasks           []taskView `json:"tasks"`
	Offers          []any      `json:"offers"`
}

type taskView struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

func (w *world) frameworks(client *http.Client) (view masterView) {
	answer, err := client.Get(w.url + "/master/frameworks")
	if err == nil {
		err = json.NewDecoder(answer.Body).Decode(&view)
		_ = answer.Body.Close()
	}
	if err != nil {
		w.Errorf("the master does not tell its frameworks: %v", err)
	}
	return view
}

// view returns the master's view of this world's framework; false when the master does not know it.
func (w *world) view() (f frameworkView, known bool) {
	client := &http.Client{Transport: &http.Transport{DialContext: w.dial, DisableCompression: true}}
	defer client.CloseIdleConnections()
	for _, f := range w.frameworks(client).Frameworks {
		if f.Name == w.name {
			return f, true
		}
	}
	return frameworkView{}, false
}
