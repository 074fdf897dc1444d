package httpapi

import (
	"encoding/json"
	"reflect"
	"strconv"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// This file has the bodies of requests and answers. Numbers that may have more than 53 bits are strings. Durations are seconds.
// No body embeds a struct: package encoding/json would put its Go name into errors.

// digits is a number as a string, which no reader rounds.
type digits uint64

func (d digits) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(d), 10), nil }

// UnmarshalText returns the error that package encoding/json has for a value of another type, which says where it is.
func (d *digits) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return &json.UnmarshalTypeError{Value: "string " + string(text), Type: reflect.TypeFor[digits]()}
	}
	*d = digits(n)
	return nil
}

type renewal struct {
	Name string `json:"name,omitzero"`
	Open *bool  `json:"open,omitempty"` // default true
	Held []held `json:"held,omitempty"`
}

type grantID struct {
	Container string `json:"container"`
	Number    digits `json:"number"`
}

func grantIDOf(g invoker.GrantID) grantID { return grantID{g.Container, digits(g.Number)} }

func (w grantID) id() invoker.GrantID {
	return invoker.GrantID{Container: w.Container, Number: uint64(w.Number)}
}

type held struct {
	Container   string `json:"container"`
	Number      digits `json:"number"`
	Initialised bool   `json:"initialised,omitzero"`
}

type renewed struct {
	Epoch uint64  `json:"epoch"`
	TTL   float64 `json:"ttl"`
}

func renewalOf(r invoker.Renewal) (w renewal) {
	w.Name, w.Open = r.Name, &r.Open
	for _, h := range r.Held {
		w.Held = append(w.Held, held{h.Container, digits(h.Number), h.Initialised})
	}
	return w
}

func (w renewal) of(session string) invoker.Renewal {
	r := invoker.Renewal{Session: session, Name: w.Name, Open: w.Open == nil || *w.Open}
	for _, h := range w.Held {
		r.Held = append(r.Held, invoker.Held{GrantID: grantID{h.Container, h.Number}.id(), Initialised: h.Initialised})
	}
	return r
}

type key struct {
	Namespace   string `json:"namespace"`
	Action      string `json:"action"`
	Revision    string `json:"revision,omitzero"`
	Kind        string `json:"kind"`
	Image       string `json:"image,omitzero"`
	Memory      int    `json:"memory"` // MiB
	Tenant      string `json:"tenant,omitzero"`
	Concurrency int    `json:"concurrency"`
}

func keyOf(k invoker.Key) key {
	return key{k.Namespace, k.Action, k.Revision, k.Kind, k.Image, k.Memory, k.Tenant, k.Concurrency}
}

func (w key) of() invoker.Key {
	return invoker.Key{
		Namespace: w.Namespace, Action: w.Action, Revision: w.Revision, Concurrency: w.Concurrency,
		Shape: invoker.Shape{Kind: w.Kind, Image: w.Image, Memory: w.Memory, Tenant: w.Tenant},
	}
}

type demand struct {
	Request digits  `json:"request"`
	Epoch   uint64  `json:"epoch,omitzero"`
	Key     key     `json:"key"`
	Timeout float64 `json:"timeout,omitzero"`
}

func demandOf(d invoker.Demand) demand {
	return demand{digits(d.Request), d.Epoch, keyOf(d.Key), d.Timeout.Seconds()}
}

func (w demand) of(session string) invoker.Demand {
	return invoker.Demand{Session: session, Request: uint64(w.Request), Epoch: w.Epoch, Key: w.Key.of(), Timeout: duration(w.Timeout)}
}

// duration returns a number of seconds as a duration. What is too long for one is longer than anything allowed.
func duration(seconds float64) time.Duration {
	return time.Duration(min(max(seconds, -1), (1000*time.Hour).Seconds()) * float64(time.Second))
}

type instance struct {
	ID          string    `json:"id"`
	Incarnation string    `json:"incarnation,omitzero"`
	Agent       string    `json:"agent,omitzero"`
	Address     string    `json:"address,omitzero"`
	Started     time.Time `json:"started,omitzero"`
	Output      string    `json:"output,omitzero"`
}

func instanceOf(in invoker.Instance) instance {
	return instance{in.ID, in.Incarnation, in.Agent, in.Address, in.Started, in.Output}
}

func (w instance) of() invoker.Instance {
	return invoker.Instance{ID: w.ID, Incarnation: w.Incarnation, Agent: w.Agent, Address: w.Address, Started: w.Started, Output: w.Output}
}

type grant struct {
	Number   digits   `json:"number"`
	Instance instance `json:"instance"`
	Start    string   `json:"start"`
	Init     bool     `json:"init"`
}

func grantOf(g invoker.Grant) grant {
	return grant{digits(g.Number), instanceOf(g.Instance), g.Start.String(), g.Init}
}

func (w grant) of() invoker.Grant {
	g := invoker.Grant{GrantID: invoker.GrantID{Container: w.Instance.ID, Number: uint64(w.Number)}, Instance: w.Instance.of(), Start: invoker.Cold, Init: w.Init}
	for kind := invoker.Warm; kind <= invoker.Recreated; kind++ {
		if kind.String() == w.Start {
			g.Start = kind
		}
	}
	return g
}

type released struct {
	Container string          `json:"container"`
	Number    digits          `json:"number"`
	Outcome   invoker.Outcome `json:"outcome"`
}

type report struct {
	Epoch       uint64     `json:"epoch,omitzero"`
	Initialised []grantID  `json:"initialised,omitempty"`
	Released    []released `json:"released,omitempty"`
	Withdrawn   []digits   `json:"withdrawn,omitempty"`
}

type notice struct {
	Number  digits  `json:"number"`
	Grant   grantID `json:"grant"`
	Revoked bool    `json:"revoked,omitzero"`
	Reason  string  `json:"reason,omitzero"`
	Error   string  `json:"error,omitzero"`
}

type noticeList struct {
	Notices []notice `json:"notices"`
}

func noticesOf(all []invoker.Notice) noticeList {
	list := noticeList{[]notice{}}
	for _, n := range all {
		list.Notices = append(list.Notices, notice{digits(n.Number), grantIDOf(n.Grant), n.Revoked, n.Reason, causeOf(n.Err)})
	}
	return list
}

func (w noticeList) of() (all []invoker.Notice) {
	for _, n := range w.Notices {
		all = append(all, invoker.Notice{Number: uint64(n.Number), Grant: n.Grant.id(), Revoked: n.Revoked, Reason: n.Reason, Err: causes()[n.Error]})
	}
	return all
}
