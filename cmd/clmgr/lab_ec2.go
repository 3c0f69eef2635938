package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/internal/lab/ec2"
)

// newLabEC2 is the lab's EC2 endpoint.
func newLabEC2(name *string) *cobra.Command {
	c := &cobra.Command{
		Use:   "ec2",
		Short: "Run the lab's EC2 endpoint, which launches real machines",
		Long: `Run the lab's EC2 endpoint, which launches real machines. The aws command and every AWS
SDK can use it; the machines of the lab are its first instances. It runs in the background
until the lab goes down, and keeps its state when it is stopped or killed.`,
		Example: `  clmgr lab up --ec2
  eval "$(clmgr lab ec2 env)"
  aws --endpoint-url "$AWS_ENDPOINT_URL" ec2 describe-instances`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newLabEC2Start(name), newLabEC2Stop(name), newLabEC2Env(name), newLabEC2Serve(name))
	return c
}

func newLabEC2Start(name *string) *cobra.Command {
	return &cobra.Command{
		Use: "start", Short: "Start the endpoint in the background",
		Example: "  clmgr lab ec2 start", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := lab.Open(*name)
			if err != nil {
				return err
			}
			return startLabEC2(cmd.Context(), l, cmd.ErrOrStderr())
		},
	}
}

// startLabEC2 starts this program once more as the endpoint and says where it is.
func startLabEC2(ctx context.Context, l *lab.Lab, progress io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}
	e, err := l.StartAPI(ctx, self, "lab", "ec2", "serve", "--name", l.Name())
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "lab: EC2 endpoint %s (from the machines http://%s:%d), region %s\n",
		e.URL(), l.HostIP(), e.Port, ec2.Region)
	fmt.Fprintf(progress, "lab: access key %s, its secret is in %s\n", e.AccessKey, l.CredentialsFile())
	fmt.Fprintf(progress, "lab: try  AWS_SHARED_CREDENTIALS_FILE=%s aws --region %s --endpoint-url %s ec2 describe-instances\n",
		l.CredentialsFile(), ec2.Region, e.URL())
	return nil
}

func newLabEC2Stop(name *string) *cobra.Command {
	return &cobra.Command{
		Use: "stop", Short: "Stop the endpoint; its state and the machines stay",
		Example: "  clmgr lab ec2 stop", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := lab.Open(*name)
			if err != nil {
				return err
			}
			return l.StopAPI(cmd.Context())
		},
	}
}

func newLabEC2Env(name *string) *cobra.Command {
	return &cobra.Command{
		Use: "env", Short: "Print the environment that leads AWS programs to the endpoint, for eval",
		Example: `  eval "$(clmgr lab ec2 env)"`, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := lab.Open(*name)
			if err != nil {
				return err
			}
			e, ok := l.Endpoint()
			if !ok {
				return fmt.Errorf("lab %s has no EC2 endpoint: clmgr lab ec2 start", *name)
			}
			for _, v := range [][2]string{
				{"AWS_SHARED_CREDENTIALS_FILE", l.CredentialsFile()},
				{"AWS_REGION", ec2.Region},
				{"AWS_DEFAULT_REGION", ec2.Region},
				{"AWS_ENDPOINT_URL", e.URL()},
			} {
				fmt.Fprintf(cmd.OutOrStdout(), "export %s=%s\n", v[0], v[1])
			}
			return nil
		},
	}
}

func newLabEC2Serve(name *string) *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Be the endpoint, in the foreground",
		Example: "  clmgr lab ec2 serve", Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := lab.Open(*name)
			if err != nil {
				return err
			}
			api, err := l.OpenAPI(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer api.Close()
			fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return api.Wait(cmd.Context())
		},
	}
}
