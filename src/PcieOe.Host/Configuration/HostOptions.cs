using PcieOe.Daemon.Configuration;
using PcieOe.Host.FrontEnds.Nbd;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Handshake;

namespace PcieOe.Host.Configuration;

/// <summary>What a host agent is told (docs/configuration.md).</summary>
internal sealed record HostOptions
{
    public const string DefaultControlSocket = "/run/pcieoe/host.sock";

    public required DaemonSettings Daemon { get; init; }

    public IReadOnlyList<AttachmentOptions> Attachments { get; init; } = [];

    /// <summary>The targets run on this machine, so that both sides read one clock and one-way times are exact.</summary>
    public bool IsClockShared { get; init; }

    public static HostOptions Read(ConfigurationReader reader)
    {
        DaemonSettings daemon = DaemonSettings.Read(reader, DefaultControlSocket);
        List<AttachmentOptions> attachments = [.. reader.List("attachments").Select((entry, index) => AttachmentOptions.Read(entry, index, daemon.IsInsecure))];
        if (attachments.Count == 0)
        {
            reader.Report("attachments", "is empty: name at least one function to attach.");
        }

        foreach (IGrouping<string, AttachmentOptions> twins in attachments.GroupBy(entry => entry.Name).Where(group => group.Count() > 1))
        {
            reader.Report("attachments", $"has {twins.Count()} entries named '{twins.Key}'; names must differ.");
        }

        var exports = attachments.SelectMany(attachment => attachment.FrontEnds.Select(frontEnd => frontEnd.Nbd).OfType<NbdOptions>()
            .Select(nbd => (nbd.Address, Name: nbd.Export ?? attachment.Name)));
        foreach (var twins in exports.GroupBy(export => export).Where(group => group.Count() > 1))
        {
            reader.Report("attachments", $"has {twins.Count()} NBD exports named '{twins.Key.Name}' on {twins.Key.Address}; name them apart with 'export'.");
        }

        return new HostOptions { Daemon = daemon, Attachments = attachments, IsClockShared = reader.Flag("sharedClock", false) };
    }
}

/// <summary>One function to attach, and who is to use it.</summary>
internal sealed record AttachmentOptions
{
    public required string Name { get; init; }

    /// <summary>Whom its traffic counts for at this host's port.</summary>
    public required string Tenant { get; init; }

    /// <summary>Empty: any that the target has for this host.</summary>
    public string Function { get; init; } = string.Empty;

    /// <summary>The target's name; empty: whichever answers.</summary>
    public string Target { get; init; } = string.Empty;

    public MacAddress TargetAddress { get; init; } = HandshakeAddresses.Targets;

    /// <summary>Null: an insecure session.</summary>
    public byte[]? Key { get; init; }

    /// <summary>Who serves the function to others. The function has one client at a time: one vfio-user socket, or the built-in driver, which NBD and bench share.</summary>
    public IReadOnlyList<FrontEndOptions> FrontEnds { get; init; } = [];

    /// <summary>Whether the function's memory (NVMe: its controller memory buffer) is offered to its driver.</summary>
    public bool OffersFunctionMemory { get; init; } = true;

    public static AttachmentOptions Read(ConfigurationReader reader, int index, bool isInsecure)
    {
        string function = reader.Text("function") ?? string.Empty;
        string target = reader.Text("target") ?? string.Empty;
        MacAddress address = HandshakeAddresses.Targets;
        string? addressText = reader.Text("targetAddress");
        if (addressText is not null && !MacAddress.TryParse(addressText, out address))
        {
            reader.Report("targetAddress", $"is '{addressText}', where an Ethernet address such as 02:00:00:00:00:01 belongs.");
        }

        if (addressText is null && target.Length == 0)
        {
            reader.Report("target", "is missing: the target's name (the 'name' in its configuration), or targetAddress.");
        }

        byte[]? key = KeySettings.Read(reader);
        if (key is null && !isInsecure && !reader.Has("key") && !reader.Has("keyFile"))
        {
            reader.Report("key", $"is missing: the key that the target has for this host ({KeySettings.KeyBytes} bytes in base64), or keyFile; or set insecure to true on both sides.");
        }

        List<FrontEndOptions> frontEnds = ReadFrontEnds(reader);
        string name = reader.Text("name") ?? (function.Length > 0 ? function : $"attachment{index}");
        return new AttachmentOptions
        {
            Name = name,
            Tenant = reader.Text("tenant") ?? name,
            Function = function,
            Target = target,
            TargetAddress = address,
            Key = key,
            FrontEnds = frontEnds,
            OffersFunctionMemory = reader.Flag("functionMemory", frontEnds.All(frontEnd => frontEnd.VfioUser is null)),
        };
    }

    private static List<FrontEndOptions> ReadFrontEnds(ConfigurationReader reader)
    {
        List<FrontEndOptions> frontEnds = [.. reader.List("frontends").Select(FrontEndOptions.Read).OfType<FrontEndOptions>()];
        if (frontEnds.Count(frontEnd => frontEnd.VfioUser is not null) > 1)
        {
            reader.Report("frontends", "has more than one vfio-user socket: a function has one client at a time.");
        }

        if (frontEnds.Any(frontEnd => frontEnd.VfioUser is not null) && frontEnds.Any(frontEnd => frontEnd.Nbd is not null))
        {
            reader.Report("frontends", "has a vfio-user socket beside NBD: a function has one client at a time, and NBD takes the built-in driver.");
        }

        return frontEnds;
    }
}
