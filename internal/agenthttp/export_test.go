package agenthttp

// Decode is what Read does with the body of an answer.
func Decode(body []byte, r Read) (Piece, error) { return decode(body, r) }
