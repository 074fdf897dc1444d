package shell

import "strings"

// This file parses scripts; flow.go and command.go execute them.

// statement is one node of a parsed script.
type statement struct {
	kind      statementKind
	words     []string      // command: its words, still quoted; for: the variable and its values
	redirects []redirection // command: where its output goes
	cond      []*statement  // while, if
	body      []*statement  // while, for, if, group
	other     []*statement  // if: the else branch
	not       bool          // its status is turned round
	join      string        // how it hangs on the one before: ";", "&&", "||", "|" or "&"
}

type statementKind int

const (
	commandStatement statementKind = iota
	whileStatement
	untilStatement
	forStatement
	ifStatement
	groupStatement
	childStatement // a list in parentheses
)

// parseScript parses what it understands; the rest is a command like any other, which
// will not be found. Of a script with an error nothing is executed.
func parseScript(text string) []*statement {
	p := &scriptParser{tokens: scriptTokens(text)}
	list := p.list()
	if p.broken {
		return []*statement{{words: []string{"exit", "2"}}}
	}
	return list
}

type scriptParser struct {
	tokens []string
	at     int
	broken bool // a word was missing
}

func (p *scriptParser) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

// accept steps over a token if it is the next.
func (p *scriptParser) accept(token string) bool {
	if p.at < len(p.tokens) && p.tokens[p.at] == token {
		p.at++
		return true
	}
	return false
}

// expect steps over a token which must be the next.
func (p *scriptParser) expect(token string) {
	if !p.accept(token) {
		p.broken = true
		p.at = len(p.tokens) // a stray word would otherwise never be passed
	}
}

// list parses statements up to a word that closes the construct around them.
func (p *scriptParser) list() []*statement {
	var list []*statement
	join := ";"
	for p.at < len(p.tokens) {
		switch t := p.peek(); t {
		case ";", "&", "&&", "||", "|":
			join = t
			p.at++
		case "do", "done", "then", "else", "elif", "fi", "}", ")":
			return list
		default:
			s := p.statement()
			s.join = join
			list = append(list, s)
			join = ";"
		}
	}
	return list
}

func (p *scriptParser) statement() *statement {
	switch {
	case p.accept("!"):
		s := p.statement()
		s.not = !s.not
		return s
	case p.accept("while"):
		return p.loop(whileStatement)
	case p.accept("until"):
		return p.loop(untilStatement)
	case p.accept("for"):
		return p.forLoop()
	case p.accept("if"):
		return p.conditional()
	case p.accept("{"):
		s := &statement{kind: groupStatement, body: p.list()}
		p.accept("}")
		return s
	case p.accept("("):
		s := &statement{kind: childStatement, body: p.list()}
		p.accept(")")
		return s
	}
	return p.command()
}

// forLoop is: for NAME in WORD... ; do ... done.
func (p *scriptParser) forLoop() *statement {
	s := p.command()
	s.kind = forStatement
	for p.accept(";") {
	}
	p.loopBody(s)
	return s
}

func (p *scriptParser) loop(kind statementKind) *statement {
	s := &statement{kind: kind, cond: p.list()}
	p.loopBody(s)
	return s
}

func (p *scriptParser) loopBody(s *statement) {
	p.expect("do")
	s.body = p.list()
	p.expect("done")
}

func (p *scriptParser) conditional() *statement {
	s := &statement{kind: ifStatement, cond: p.list()}
	p.expect("then")
	s.body = p.list()
	switch {
	case p.accept("elif"):
		s.other = []*statement{p.conditional()}
		return s
	case p.accept("else"):
		s.other = p.list()
	}
	p.expect("fi")
	return s
}

func (p *scriptParser) command() *statement {
	s := &statement{}
	for p.at < len(p.tokens) {
		t := p.peek()
		switch {
		case isOperator(t):
			if len(s.words) == 0 && len(s.redirects) == 0 {
				p.at++ // nothing before a closing word: pass it, or list would not end
			}
			return s
		case isRedirection(t):
			p.at++
			r := redirection{operator: t}
			if p.at < len(p.tokens) && !isOperator(p.peek()) && !strings.Contains(t, ">&") {
				r.file = p.peek()
				p.at++
			}
			if strings.Contains(t, ">") {
				s.redirects = append(s.redirects, r)
			}
			continue
		}
		s.words = append(s.words, t)
		p.at++
	}
	return s
}

func isOperator(t string) bool {
	switch t {
	case ";", "&", "&&", "||", "|", "(", ")":
		return true
	}
	return false
}

// isRedirection knows > >> < and the same with a number before; 2>&1 comes as one token.
func isRedirection(t string) bool {
	t = strings.TrimLeft(t, "0123456789")
	return strings.HasPrefix(t, ">") || strings.HasPrefix(t, "<")
}

// scriptTokens cuts a script into words, operators and redirections. Quotes stay in
// the words, for they decide what is expanded.
func scriptTokens(text string) []string {
	var tokens []string
	word := ""
	flush := func() {
		if word != "" {
			tokens = append(tokens, word)
			word = ""
		}
	}
	for i := 0; i < len(text); {
		n := quotedLength(text[i:])
		switch {
		case n > 0:
			word += text[i : i+n]
		case text[i] == ' ' || text[i] == '\t':
			flush()
			n = 1
		case text[i] == '\n' || text[i] == ';':
			flush()
			tokens = append(tokens, ";")
			n = 1
		case strings.HasPrefix(text[i:], "&&") || strings.HasPrefix(text[i:], "||"):
			flush()
			n = 2
			tokens = append(tokens, text[i:i+n])
		case strings.IndexByte("&|()", text[i]) >= 0:
			flush()
			n = 1
			tokens = append(tokens, text[i:i+n])
		case text[i] == '>' || text[i] == '<':
			n = redirectionLength(text[i:])
			if strings.Trim(word, "0123456789") != "" {
				flush()
			}
			word += text[i : i+n]
			flush()
		case text[i] == '#' && word == "":
			n = strings.IndexByte(text[i:]+"\n", '\n')
		default:
			n = 1
			word += text[i : i+1]
		}
		i += n
	}
	flush()
	return tokens
}

// redirectionLength returns the length of the redirection at the start of text.
func redirectionLength(text string) int {
	n := 1
	for n < len(text) && strings.IndexByte("><&", text[n]) >= 0 {
		n++
	}
	if strings.HasSuffix(text[:n], "&") { // >&2 needs no file
		for n < len(text) && text[n] >= '0' && text[n] <= '9' {
			n++
		}
	}
	return n
}

// quotedLength returns the length of a quotation, an escape or a $(...) at the
// start of text, 0 when there is none.
func quotedLength(text string) int {
	switch {
	case text[0] == '\\' && len(text) > 1:
		return 2
	case text[0] == '\'' || text[0] == '"':
		for i := 1; i < len(text); i++ {
			if text[i] == '\\' && text[0] == '"' {
				i++
			} else if text[i] == text[0] {
				return i + 1
			}
		}
		return len(text)
	case strings.HasPrefix(text, "$(") || strings.HasPrefix(text, "${"):
		depth := 0
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '(', '{':
				depth++
			case ')', '}':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return len(text)
	}
	return 0
}
