return PcieOe.Cli.Commands.CommandLine.Run(args);
