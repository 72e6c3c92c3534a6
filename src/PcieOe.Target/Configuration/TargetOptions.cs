using PcieOe.Daemon.Configuration;

namespace PcieOe.Target.Configuration;

/// <summary>What a target is told (docs/configuration.md).</summary>
internal sealed record TargetOptions
{
    public const string DefaultControlSocket = "/run/pcieoe/target.sock";

    public required DaemonSettings Daemon { get; init; }

    /// <summary>For how long a silent host's function is kept for it.</summary>
    public int LeaseSeconds { get; init; } = 300;

    public int MaximumSessions { get; init; } = 256;

    public IReadOnlyList<HostEntry> Hosts { get; init; } = [];

    public IReadOnlyList<FunctionOptions> Functions { get; init; } = [];

    /// <summary>Null: every command starts at once.</summary>
    public NestedQosSettings? NestedQos { get; init; }

    /// <summary>Reads the whole configuration; the reader has every mistake.</summary>
    public static TargetOptions Read(ConfigurationReader reader)
    {
        DaemonSettings daemon = DaemonSettings.Read(reader, DefaultControlSocket);
        List<HostEntry> hosts = [.. reader.List("hosts").Select(entry => HostEntry.Read(entry, daemon.IsInsecure))];
        List<FunctionOptions> functions = [.. reader.List("functions").Select(FunctionOptions.Read)];
        if (functions.Count == 0)
        {
            reader.Report("functions", "is empty: a target needs at least one function to serve.");
        }

        if (hosts.Count == 0 && !daemon.IsInsecure)
        {
            reader.Report("hosts", "is empty, so nobody could attach: name each host with its key, or set insecure to true for a wire that you trust.");
        }

        ReportTwins(reader, "hosts", hosts.Select(host => host.Name));
        ReportTwins(reader, "functions", functions.Select(function => function.Name));
        if (hosts.Count > 0)
        {
            ReportStrangers(reader, hosts, functions);
        }

        return new TargetOptions
        {
            Daemon = daemon,
            LeaseSeconds = (int)reader.Integer("leaseSeconds", 300, 1, 86_400),
            MaximumSessions = (int)reader.Integer("maximumSessions", 256, 1, 1024),
            Hosts = hosts,
            Functions = functions,
            NestedQos = NestedQosSettings.Read(reader, [.. hosts.Select(host => host.Tenant)]),
        };
    }

    private static void ReportTwins(ConfigurationReader reader, string key, IEnumerable<string> names)
    {
        foreach (IGrouping<string, string> twins in names.Where(name => name.Length > 0).GroupBy(name => name).Where(group => group.Count() > 1))
        {
            reader.Report(key, $"has {twins.Count()} entries named '{twins.Key}'; names must differ.");
        }
    }

    private static void ReportStrangers(ConfigurationReader reader, List<HostEntry> hosts, List<FunctionOptions> functions)
    {
        for (int i = 0; i < functions.Count; i++)
        {
            foreach (string host in functions[i].Hosts.Where(host => host != "*" && hosts.All(entry => entry.Name != host)))
            {
                reader.Report($"functions[{i}].hosts", $"names '{host}', which is not among the hosts ({string.Join(", ", hosts.Select(entry => entry.Name))}).");
            }
        }
    }
}

/// <summary>A host that belongs, and the tenant that its traffic counts for.</summary>
internal sealed record HostEntry(string Name, byte[]? Key, string Tenant)
{
    public static HostEntry Read(ConfigurationReader reader, bool isInsecure)
    {
        string name = reader.RequiredText("name", "the host's name, as its own configuration has it");
        byte[]? key = KeySettings.Read(reader);
        if (key is null && !isInsecure && !reader.Has("key") && !reader.Has("keyFile"))
        {
            reader.Report("key", $"is missing: the pre-shared key of this host ({KeySettings.KeyBytes} bytes in base64; the host needs the same), or keyFile.");
        }

        return new HostEntry(name, key, reader.Text("tenant") ?? name);
    }
}
