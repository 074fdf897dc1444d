package shell

import (
	"maps"
	"slices"
	"strings"
)

// This file is the control flow of scripts; command.go has the commands.

// list executes statements one after the other, then goes on with k.
func (p *Process) list(list []*statement, k func(int)) {
	if len(list) == 0 {
		k(p.last)
		return
	}
	s, rest := list[0], list[1:]
	next := func(status int) {
		p.last = status
		if s.not {
			p.last = truth(status != 0)
		}
		if p.strict && p.last != 0 && !s.not && !tested(rest) {
			p.exit(p.last)
			return
		}
		p.list(rest, k)
	}
	switch {
	case p.over:
	case s.join == "&&" && p.last != 0, s.join == "||" && p.last == 0:
		p.list(rest, k)
	case len(rest) > 0 && rest[0].join == "|": // what it says is for the next
		k := p.restoring(next)
		p.out.stdout = nullFile
		p.statement(s, k)
	default:
		p.statement(s, next)
	}
}

// tested reports whether the status of the statement before list decides what is executed of it.
func tested(list []*statement) bool {
	return len(list) > 0 && (list[0].join == "&&" || list[0].join == "||" || list[0].join == "|")
}

// condition executes a list whose failure never ends the script.
func (p *Process) condition(list []*statement, k func(int)) {
	strict := p.strict
	p.strict = false
	p.list(list, func(status int) {
		p.strict = strict
		k(status)
	})
}

func (p *Process) statement(s *statement, k func(int)) {
	if p.steps++; p.steps > maxSteps {
		p.hang()
		return
	}
	switch s.kind {
	case whileStatement, untilStatement:
		p.loop(s, 0, k)
	case forStatement:
		p.forEach(s, p.values(s), 0, k)
	case ifStatement:
		p.condition(s.cond, func(status int) {
			if status == 0 {
				p.list(s.body, k)
				return
			}
			p.last = 0
			p.list(s.other, k)
		})
	case groupStatement:
		p.list(s.body, k)
	case childStatement:
		p.child(s.body, k)
	default:
		p.command(s, k)
	}
}

func (p *Process) loop(s *statement, status int, k func(int)) {
	if s.endless() {
		p.hang() // no need to wake up for every round
		return
	}
	p.condition(s.cond, func(cond int) {
		if (cond == 0) == (s.kind == untilStatement) {
			k(status)
			return
		}
		p.list(s.body, func(status int) { p.loop(s, status, k) })
	})
}

// values returns those that the variable of a for loop takes.
func (p *Process) values(s *statement) []string {
	if len(s.words) < 3 {
		return nil // for NAME in
	}
	var values []string
	for _, w := range s.words[2:] {
		values = append(values, strings.Fields(p.expand(w))...)
	}
	return values
}

func (p *Process) forEach(s *statement, values []string, status int, k func(int)) {
	if len(values) == 0 {
		k(status)
		return
	}
	p.vars[s.words[0]] = values[0]
	p.list(s.body, func(status int) { p.forEach(s, values[1:], status, k) })
}

// endless reports whether a loop does nothing but sleep until a signal ends it.
func (s *statement) endless() bool {
	notOneOf := func(names ...string) func(*statement) bool {
		return func(s *statement) bool {
			return s.kind != commandStatement || s.not || len(s.redirects) > 0 || len(s.words) == 0 || !slices.Contains(names, s.words[0])
		}
	}
	return s.kind == whileStatement && !slices.ContainsFunc(s.cond, notOneOf("true", ":")) && !slices.ContainsFunc(s.body, notOneOf("sleep", "true", ":"))
}

// child runs statements in a process of its own, with copies of the variables.
func (p *Process) child(list []*statement, k func(int)) {
	vars, traps, strict, depth, out := maps.Clone(p.vars), maps.Clone(p.traps), p.strict, len(p.parents), p.out
	back := func(status int) {
		p.vars, p.traps, p.strict, p.parents, p.out = vars, traps, strict, p.parents[:depth], out
		k(status)
	}
	p.parents = append(p.parents, back)
	p.list(list, back)
}

// exit ends the innermost child, or the script.
func (p *Process) exit(status int) {
	if n := len(p.parents); n > 0 {
		p.parents[n-1](status)
		return
	}
	p.end(Exit{Code: status})
}
