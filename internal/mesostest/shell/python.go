package shell

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
)

// This file knows of Python just what a test needs to have something that listens for a while: a
// program given by -c that makes sockets, binds them, listens, closes them and sleeps. Any
// other program runs until killed.

// bindsSockets reports whether a command is one of those.
func bindsSockets(c *mesos.CommandInfo) bool { return strings.Contains(c.GetValue(), ".bind((") }

// python runs the program of "python -c", or hangs when it does not understand all of it.
func (p *Process) python(args []string, k func(int)) {
	var statements []pythonStatement
	if len(args) > 1 && args[0] == "-c" {
		statements = pythonStatements(args[1])
	}
	if statements == nil {
		p.box.ports = nil
		p.hang()
		return
	}
	p.pythonFrom(statements, make(map[string]int), k)
}

// pythonStatement is what one statement does; with an empty method it does nothing that shows.
type pythonStatement struct {
	socket string // the variable that it is about
	method string // bind, listen, close or sleep
	port   int
	sleep  time.Duration
}

// pythonStatements parses a program; nil when something in it is not known.
func pythonStatements(source string) []pythonStatement {
	bind := regexp.MustCompile(`^(\w+)\.bind\(\(\s*['"][^'"]*['"]\s*,\s*(\d{1,5})\s*\)\)$`)
	method := regexp.MustCompile(`^(\w+)\.(listen|close)\(\d*\)$`)
	sleep := regexp.MustCompile(`^time\.sleep\((\d{1,9}(?:\.\d{1,9})?)\)$`)
	nothing := regexp.MustCompile(`^(?:|import [\w, .]+|\w+ *= *socket\.socket\([^;]*\)|\w+\.setsockopt\([^;]*\))$`)
	list := []pythonStatement{}
	for text := range strings.FieldsFuncSeq(source, func(c rune) bool { return c == ';' || c == '\n' }) {
		text = strings.TrimSpace(text)
		switch {
		case nothing.MatchString(text):
		case bind.MatchString(text):
			m := bind.FindStringSubmatch(text)
			port, _ := strconv.Atoi(m[2]) // five digits at most
			list = append(list, pythonStatement{socket: m[1], method: "bind", port: port})
		case method.MatchString(text):
			m := method.FindStringSubmatch(text)
			list = append(list, pythonStatement{socket: m[1], method: m[2]})
		case sleep.MatchString(text):
			seconds, _ := strconv.ParseFloat(sleep.FindStringSubmatch(text)[1], 64)
			list = append(list, pythonStatement{method: "sleep", sleep: time.Duration(seconds * float64(time.Second))})
		default:
			return nil
		}
	}
	return list
}

// pythonFrom executes statements; bound has the ports of the sockets.
func (p *Process) pythonFrom(list []pythonStatement, bound map[string]int, k func(int)) {
	for i, s := range list {
		switch s.method {
		case "bind":
			bound[s.socket] = s.port
		case "listen":
			p.listen(bound[s.socket], true)
		case "close":
			p.listen(bound[s.socket], false)
		case "sleep":
			p.sleep(s.sleep, func(int) { p.pythonFrom(list[i+1:], bound, k) })
			return
		}
	}
	for _, port := range bound {
		p.listen(port, false)
	}
	k(0)
}

func (p *Process) listen(port int, on bool) {
	if p.box.ports != nil {
		p.box.ports[port] = on
	}
}
