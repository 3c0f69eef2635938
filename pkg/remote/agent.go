package remote

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

const (
	// agentListLimit bounds listing the agent's keys: one that hangs costs this
	// once, not each machine.
	agentListLimit = time.Second
	// agentSignLimit bounds one signature. An agent may ask a person first, but no
	// login waits longer than its own timeout for that.
	agentSignLimit = 30 * time.Second
)

// agentSigner signs with a key that an agent holds. Each signature uses a
// connection of its own: the agent's protocol answers in order, so that on a
// shared one a key that waits for its owner's touch would hold up all others.
type agentSigner struct {
	socket string
	key    *agent.Key
	public ssh.PublicKey
}

// agentKeys lists the agent's keys; none for socket "".
func agentKeys(ctx context.Context, socket string) ([]identity, error) {
	if socket == "" {
		return nil, nil
	}
	conn, err := dialAgent(ctx, socket, agentListLimit)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the agent at %s: %w", socket, err)
	}
	defer conn.Close()
	keys, err := agent.NewClient(conn).List()
	if err != nil {
		return nil, fmt.Errorf("cannot ask the agent at %s: %w", socket, err)
	}
	var out []identity
	for _, k := range keys {
		public, err := ssh.ParsePublicKey(k.Blob)
		if err != nil {
			continue // a kind of key this library cannot log in with
		}
		out = append(out, identity{
			name:   "agent key " + oneLine(k.Comment),
			signer: &agentSigner{socket: socket, key: k, public: public},
		})
	}
	return out, nil
}

func dialAgent(ctx context.Context, socket string, limit time.Duration) (net.Conn, error) {
	deadline := time.Now().Add(limit)
	d := net.Dialer{Deadline: deadline}
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(deadline)
}

// PublicKey returns the public half.
func (s *agentSigner) PublicKey() ssh.PublicKey { return s.public }

// Sign signs with the key's own algorithm.
func (s *agentSigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, s.public.Type())
}

// SignWithAlgorithm signs with an algorithm that suits the key.
func (s *agentSigner) SignWithAlgorithm(_ io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	conn, err := dialAgent(context.Background(), s.socket, agentSignLimit)
	if err != nil {
		return nil, fmt.Errorf("cannot sign with the agent: %w", err)
	}
	defer conn.Close()
	var flags agent.SignatureFlags
	switch algorithm {
	case ssh.KeyAlgoRSASHA256:
		flags = agent.SignatureFlagRsaSha256
	case ssh.KeyAlgoRSASHA512:
		flags = agent.SignatureFlagRsaSha512
	}
	sig, err := agent.NewClient(conn).SignWithFlags(s.key, data, flags)
	if err != nil {
		return nil, fmt.Errorf("cannot sign with the agent: %w", err)
	}
	return sig, nil
}
