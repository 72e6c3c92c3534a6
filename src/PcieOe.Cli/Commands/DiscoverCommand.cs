using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using PcieOe.Cli.Discovery;
using PcieOe.Cli.Reports;
using PcieOe.Daemon.Configuration;
using PcieOe.Protocol.Discovery;
using PcieOe.Protocol.Handshake;
using Spectre.Console;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe discover IF</c>: the targets of a segment, and what they offer.</summary>
internal static class DiscoverCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static Command Create()
    {
        Argument<string> interfaceName = new("IF") { Description = "The Ethernet interface that leads to the segment; it must be up." };
        Option<string> name = new("--name") { Description = "This host's name, as targets know it.", DefaultValueFactory = _ => Environment.MachineName, HelpName = "NAME" };
        Option<FileInfo?> keyFile = new("--key-file") { Description = "The file with this host's key (base64): targets with keys list their functions only for whom they know.", HelpName = "FILE" };
        Option<int?> etherType = CommonOptions.EtherType();
        Option<int> vlan = CommonOptions.Integer("--vlan", "802.1Q VLAN of the targets' ports; 0: frames without a tag", 0, 0, 4094);
        Option<double> seconds = new("--seconds") { Description = "How long to wait for answers.", DefaultValueFactory = _ => 1, HelpName = "SECONDS" };
        Option<FileInfo?> json = CommonOptions.Json();
        TaughtCommand command = new("discover", "Lists the targets on an Ethernet segment and the functions they offer.", """
            Targets with keys tell a stranger their name alone. Takes root or CAP_NET_RAW.

            Examples:
              pcieoe discover eth1
              pcieoe discover eth1 --name server1 --key-file /etc/pcieoe/server1.key
            """)
        {
            interfaceName, name, keyFile, etherType, vlan, seconds, json,
        };
        command.SetAction((parsed, cancellation) => Task.Run(() =>
        {
            byte[]? key = null;
            if (parsed.GetValue(keyFile) is { } file && !KeySettings.TryParse(File.ReadAllText(file.FullName), out key))
            {
                Console.Error.WriteLine($"pcieoe discover: {file} does not hold {KeySettings.KeyBytes} bytes in base64.");
                return ExitCode.Failure;
            }

            PortSettings settings = new()
            {
                Interface = parsed.GetValue(interfaceName)!,
                EtherType = parsed.GetValue(etherType) ?? PortSettings.DefaultEtherType,
                VlanId = parsed.GetValue(vlan) is var id and not 0 ? id : null,
            };
            IReadOnlyList<DiscoveredTarget> targets = SegmentScan.Run(settings, parsed.GetValue(name)!, key, TimeSpan.FromSeconds(parsed.GetValue(seconds)), cancellation);
            if (parsed.GetValue(json) is { } output)
            {
                File.WriteAllText(output.FullName, ToJson(targets).ToJsonString(Indented) + "\n");
            }

            Print(targets, settings.Interface);
            return targets.Count > 0 ? ExitCode.Success : ExitCode.Failure;
        }));
        return command;
    }

    private static void Print(IReadOnlyList<DiscoveredTarget> targets, string interfaceName)
    {
        if (targets.Count == 0)
        {
            Console.Error.WriteLine($"pcieoe discover: nobody answered on {interfaceName}. Is a target running there, with the same EtherType and VLAN?");
            return;
        }

        Table table = new() { Border = TableBorder.Simple };
        table.AddColumns("target", "address", "MTU", "security", "function", "size", "state");
        foreach (DiscoveredTarget target in targets)
        {
            string security = target.Security == SecurityMode.Insecure ? "insecure" : "keyed";
            if (target.Functions.Count == 0)
            {
                string why = target.Security == SecurityMode.PreSharedKey && !target.IsAuthentic ? "(told to known hosts only)" : "(none)";
                table.AddRow(Markup.Escape(target.Name), target.Address.ToString(), $"{target.MaximumTransmissionUnit}", security, why, "", "");
            }

            foreach (FunctionOffer function in target.Functions)
            {
                table.AddRow(Markup.Escape(target.Name), target.Address.ToString(), $"{target.MaximumTransmissionUnit}", security,
                    Markup.Escape(function.Name), ByteSize.Format(function.SizeBytes), StateText(function.State));
            }
        }

        ReportConsole.Create().Write(table);
    }

    private static JsonObject ToJson(IReadOnlyList<DiscoveredTarget> targets) => new()
    {
        ["targets"] = new JsonArray([.. targets.Select(target => (JsonNode)new JsonObject
        {
            ["name"] = target.Name,
            ["address"] = target.Address.ToString(),
            ["mtu"] = target.MaximumTransmissionUnit,
            ["keyed"] = target.Security == SecurityMode.PreSharedKey,
            ["authentic"] = target.IsAuthentic,
            ["functions"] = new JsonArray([.. target.Functions.Select(function => (JsonNode)new JsonObject
            {
                ["name"] = function.Name,
                ["size"] = function.SizeBytes,
                ["state"] = StateText(function.State),
            })]),
        })]),
    };

    private static string StateText(FunctionState state) => state switch
    {
        FunctionState.Free => "free",
        FunctionState.HeldByYou => "held by you",
        _ => "held by another",
    };
}
