package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/internal/lab"
)

// newLabSample sets the sample's services up on machines that run.
func newLabSample(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "sample",
		Short: "Set up MariaDB with a replica, memcached and more on m1, m2 and m3",
		Long: `Set up MariaDB with a replica and memcached on the running machines m1, m2 and m3, as an
operator would by hand; with an EC2 endpoint also HAProxy, and keepalived with a virtual
address. "lab up --sample" has done it already; after "lab up --ec2 --sample" the machines
are to be launched first.`,
		Example: `  config=$(clmgr lab up --ec2 --sample)
  clmgr -c $config instances launch all --wait
  clmgr lab sample
  clmgr -c $config instances heartbeat`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := lab.Open(*name)
			if err != nil {
				return err
			}
			_, err = l.SetupSample(cmd.Context(), cmd.ErrOrStderr())
			return err
		},
	}
}

// runLabCloudSample starts an empty lab with an EC2 endpoint, and a configuration for the
// sample's machines, which nobody has launched yet.
func runLabCloudSample(ctx context.Context, name string, progress io.Writer) (config string, err error) {
	// Here the building of an image shows; a launch would only take longer.
	if _, err := lab.SampleMachines()[0].Image.Build(ctx, progress); err != nil {
		return "", err
	}
	l, err := lab.Up(ctx, lab.Options{Name: name, Progress: progress, Empty: true})
	if exists := (*lab.Exists)(nil); errors.As(err, &exists) {
		return "", fmt.Errorf("%w (clmgr lab down --name %s takes it away)", err, name)
	}
	if err != nil {
		return "", err
	}
	if err = startLabEC2(ctx, l, progress); err == nil {
		config, err = l.WriteCloudSample()
	}
	if err != nil {
		return "", errors.Join(err, l.Down(context.WithoutCancel(ctx)))
	}
	fmt.Fprintf(progress, "lab: try  clmgr -c %s instances launch all --wait\nlab: then clmgr lab sample --name %s\n", config, name)
	return config, nil
}
