package invoker

import (
	"fmt"
	"strings"
)

// describeInput returns an input as a line of a scenario.
func describeInput(in input) string {
	switch in := in.(type) {
	case start:
		return fmt.Sprintf("start %d", in.term)
	case listed:
		return describeListed(in)
	case wake:
		return "wake"
	case acquire:
		return fmt.Sprintf("acquire %d %s%s timeout=%v", in.ref, describeKey(in.key), describeSession(in.session), in.timeout)
	case cancel:
		return fmt.Sprintf("cancel %d", in.ref)
	case release:
		return fmt.Sprintf("release %s %s", describeLease(in.grant), [...]string{"reuse", "discard", "dead", "crashed"}[in.outcome])
	case setStemCells:
		return fmt.Sprintf("stems %v", in.cells)
	case drainAgent:
		return fmt.Sprintf("drain %s on=%v", in.agent, in.on)
	case initialised:
		return "initialised " + describeLease(in.grant)
	case created:
		return fmt.Sprintf("created %s on=%s%s", in.id, in.instance.Agent, describeErr(in.err))
	case probed:
		return "probed " + in.id + describeErr(in.err)
	case stored:
		return "stored " + in.id + describeErr(in.err)
	case destroyed:
		return "destroyed " + in.id + describeErr(in.err)
	case suspended:
		return "suspended " + in.id + describeErr(in.err)
	case resumed:
		return "resumed " + in.id + describeErr(in.err)
	case changed:
		return describeChange(in.change)
	case agentsSeen:
		return describeAgents(in.agents)
	case opened:
		return fmt.Sprintf("opened %d ttl=%v", in.session, in.ttl)
	case declared:
		line := fmt.Sprintf("declared %d", in.session)
		for _, l := range in.grants {
			line += " " + describeLease(l)
		}
		return line
	case closed:
		return fmt.Sprintf("closed %d", in.session)
	}
	return fmt.Sprintf("%T", in)
}

func describeListed(in listed) string {
	var b strings.Builder
	b.WriteString("listed")
	for _, i := range in.instances {
		fmt.Fprintf(&b, " %s@%s", i.ID, i.Agent)
	}
	for _, r := range in.records {
		fmt.Fprintf(&b, " record:%s:%s", r.ID, describeKey(r.Key))
		if r.Initialised {
			b.WriteString(":initialised")
		}
	}
	return b.String() + describeErr(in.err)
}

func describeChange(c Change) string {
	state := [...]string{"lagged", "gone", "unreachable", "reachable", "draining"}[c.State]
	if c.ID != "" {
		return "changed " + c.ID + " " + state + describeErr(c.Err)
	}
	return strings.TrimSpace("changed "+state+" "+c.Agent) + describeErr(c.Err)
}

func describeAgents(agents []Agent) string {
	line := "agents"
	for _, a := range agents {
		line += fmt.Sprintf(" %s:%d", a.ID, a.Memory)
		if a.Draining {
			line += ":draining"
		}
	}
	return line
}

// describeCommand returns a command as a line of a scenario.
func describeCommand(c command) string {
	switch c := c.(type) {
	case create:
		return fmt.Sprintf("create %s %s%s", c.id, describeShape(c.spec.Shape), describeAvoided(c.spec.Avoid))
	case probe:
		if c.ping {
			return "ping " + c.instance.ID
		}
		return "probe " + c.instance.ID
	case bind:
		return fmt.Sprintf("bind %s to %s", c.record.ID, describeKey(c.record.Key))
	case note:
		return fmt.Sprintf("note %s initialised=%v", c.record.ID, c.record.Initialised)
	case forget:
		return "forget " + c.id
	case destroy:
		return "destroy " + c.id
	case suspend:
		return "suspend " + c.id
	case resume:
		return "resume " + c.id
	case list:
		return "list"
	case *grant:
		line := fmt.Sprintf("grant %d %s %s", c.ref, describeLease(c.id), [...]string{"warm", "prewarmed", "cold", "recreated"}[c.start])
		if c.init {
			line += " init"
		}
		return line
	case refuse:
		return fmt.Sprintf("refuse %d%s", c.ref, describeErr(c.err))
	case recall:
		return fmt.Sprintf("recall %s%s", describeLease(c.grant), describeSession(c.session))
	case revoke:
		return fmt.Sprintf("revoke %s%s", describeLease(c.grant), describeSession(c.session))
	case notify:
		line := fmt.Sprintf("notify %s %s", c.event.Kind, c.event.Container.ID)
		if c.event.Reason != "" {
			line += ": " + c.event.Reason
		}
		return line
	}
	return fmt.Sprintf("%T", c)
}

// describeLease returns a lease as container#term.number.
func describeLease(l GrantID) string {
	return fmt.Sprintf("%s#%d.%d", l.Container, l.Number>>32, uint32(l.Number))
}

func describeSession(s session) string {
	if s == 0 {
		return ""
	}
	return fmt.Sprintf(" session=%d", s)
}

func describeErr(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf(" error=%q", err.Error())
}

// describeKey returns a key as namespace/action@revision/shape, with its concurrency if that is not 1.
func describeKey(k Key) string {
	if k == (Key{}) {
		return "-"
	}
	line := fmt.Sprintf("%s/%s@%s/%s", k.Namespace, k.Action, k.Revision, describeShape(k.Shape))
	if k.Concurrency > 1 {
		line += fmt.Sprintf("*%d", k.Concurrency)
	}
	return line
}

func describeShape(s Shape) string {
	line := fmt.Sprintf("%s:%d", s.Kind, s.Memory)
	if s.Image != "" || s.Tenant != "" {
		line += fmt.Sprintf(":%s:%s", s.Image, s.Tenant)
	}
	return line
}

func describeAvoided(agents []string) string {
	if len(agents) == 0 {
		return ""
	}
	return " not on " + strings.Join(agents, ", ")
}
