package shell

import "strings"

// This file is where the output of scripts goes.

// output names the files that a command writes to.
type output struct{ stdout, stderr string }

// redirection is one of output: the operator as it stands in the script, with the number
// before it, and the file, quoted, unless the operator names another output.
type redirection struct{ operator, file string }

// restoring makes k find the present output again.
func (p *Process) restoring(k func(int)) func(int) {
	out := p.out
	return func(status int) {
		p.out = out
		k(status)
	}
}

// redirect changes where output goes, one after the other, since "2>&1" means the one of the moment.
func (p *Process) redirect(list []redirection) {
	for _, r := range list {
		number := r.operator[:strings.IndexByte(r.operator, '>')]
		var to string
		if _, other, ok := strings.Cut(r.operator, ">&"); ok {
			to = p.out.stdout
			if other == "2" {
				to = p.out.stderr
			}
		} else {
			to = p.expand(r.file)
			switch to {
			case "/dev/stdout":
				to = p.out.stdout
			case "/dev/stderr":
				to = p.out.stderr
			default:
				if strings.Contains(r.operator, ">>") {
					p.box.create(to)
				} else {
					p.box.truncate(to)
				}
			}
		}
		if number == "2" {
			p.out.stderr = to
		} else {
			p.out.stdout = to
		}
	}
}

// printed returns what echo or printf write. Of printf's directives only those for whole arguments are
// known, and it goes through its format once.
func printed(name string, args []string) string {
	if name == "echo" {
		if len(args) > 0 && args[0] == "-n" {
			return strings.Join(args[1:], " ")
		}
		return strings.Join(args, " ") + "\n"
	}
	if len(args) == 0 {
		return ""
	}
	format, args := args[0], args[1:]
	var text strings.Builder
	for i := 0; i < len(format); i++ {
		if i+1 == len(format) || format[i] != '\\' && format[i] != '%' {
			text.WriteByte(format[i])
			continue
		}
		i++
		switch format[i-1 : i+1] {
		case `\n`:
			text.WriteByte('\n')
		case `\t`:
			text.WriteByte('\t')
		case "%s", "%d":
			if len(args) > 0 {
				text.WriteString(args[0])
				args = args[1:]
			}
		default: // an escaped backslash or %
			text.WriteByte(format[i])
		}
	}
	return text.String()
}
