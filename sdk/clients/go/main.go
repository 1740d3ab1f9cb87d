// A client of the management API over generated code: lists, deploys, talks, and watches.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	pb "caxton.example/client/caxtonv1"
)

const (
	deadline = 10 * time.Second
	messages = 3
)

// token shows a token with every call, over TLS only.
type token string

func (t token) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(t)}, nil
}

func (token) RequireTransportSecurity() bool { return true }

// connect opens a connection; dialing happens on the first call.
func connect(endpoint, ca, secret string) (*grpc.ClientConn, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + ca)
	}
	return grpc.NewClient(endpoint,
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13})),
		grpc.WithPerRPCCredentials(token(secret)))
}

// explain returns what the node says of an error: code, what happened, what to do next.
func explain(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if found, ok := detail.(*pb.ErrorDetail); ok {
			return fmt.Sprintf("%s: %s (%s)", found.Code, found.Message, found.Hint)
		}
	}
	return err.Error()
}

// within gives a call its deadline.
func within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), deadline)
}

func run(node pb.CaxtonManagementClient, name string, module []byte) error {
	ctx, cancel := within()
	defer cancel()
	listed, err := node.ListAgents(ctx, &pb.ListAgentsRequest{})
	if err != nil {
		return err
	}
	fmt.Printf("agents: %d\n", len(listed.Agents))
	deployed, err := node.DeployAgent(ctx, &pb.DeployAgentRequest{Name: name, Module: module})
	if err != nil {
		return err
	}
	fmt.Printf("deployed: %s %s\n", deployed.Agent.Name, deployed.Agent.State)
	if err := talk(node, name); err != nil {
		return err
	}
	if _, err := node.GetAgent(ctx, &pb.GetAgentRequest{Name: "nobody"}); err != nil {
		fmt.Printf("error: %s\n", explain(err))
	}
	if _, err := node.UndeployAgent(ctx, &pb.UndeployAgentRequest{Name: name, Force: true}); err != nil {
		return err
	}
	fmt.Println("undeployed")
	return nil
}

// talk sends messages and prints the replies, and then what the stream has told of them.
func talk(node pb.CaxtonManagementClient, name string) error {
	ctx, cancel := within()
	defer cancel() // ends the stream
	events, err := node.SubscribeMessages(ctx, &pb.SubscribeMessagesRequest{Agents: []string{name}})
	if err != nil {
		return err
	}
	if _, err := events.Header(); err != nil { // from here on nothing is missed
		return err
	}
	for number := range messages {
		answer, err := node.SendMessage(ctx, &pb.SendMessageRequest{To: name, Content: fmt.Appendf(nil, "%d", number)})
		if err != nil {
			return err
		}
		fmt.Printf("reply: %s\n", answer.Reply.Content)
	}
	for range messages {
		event, err := events.Recv()
		if err != nil {
			return err
		}
		fmt.Printf("event: %s\n", event.Message.Performative)
	}
	return nil
}

func main() {
	endpoint := flag.String("endpoint", "127.0.0.1:50051", "host:port of a node")
	ca := flag.String("ca", "ca.crt", "certificate of the cluster's CA")
	secret := flag.String("token", "", "token of the caller")
	file := flag.String("module", "", "WebAssembly to deploy, .wasm or .wat")
	name := flag.String("name", "example-go", "name of the agent")
	flag.Parse()
	log.SetFlags(0)
	module, err := os.ReadFile(*file)
	if err != nil {
		log.Fatal(err)
	}
	connection, err := connect(*endpoint, *ca, *secret)
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	if err := run(pb.NewCaxtonManagementClient(connection), *name, module); err != nil {
		log.Fatal(explain(err))
	}
}
