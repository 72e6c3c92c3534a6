using System.Globalization;
using System.Text.Json.Nodes;
using PcieOe.Cli.Lab.Daemons;
using PcieOe.Cli.Reports;
using PcieOe.Host.Bench;
using PcieOe.Transport.Polling;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>
/// Three tenants at a target whose link is the bottleneck: one with a closed loop of depth 4 and the promise of half the link, a greedy
/// one that offers three times the link over three sessions, one that comes and goes. Reads (the target shares what it sends), then writes
/// (it allots what arrives), first with one first-in first-out queue, then with Gatekeeper. What arrives is counted by the daemons that
/// receive it.
/// </summary>
internal static class GatekeeperScenario
{
    private const double LinkMegabits = 1000;
    private const int BurstBytes = 128 << 10;
    private const int QueueBytes = 1 << 20;
    private const int BlockBytes = 64 << 10;
    private const int SteadyDepth = 4;
    private const int GreedyDepth = 64;
    private const int PassingDepth = 16;
    private const long MediumBytes = 32L << 20;
    private const long SettleNanoseconds = 200_000_000;
    private const long WindowNanoseconds = 100_000_000;
    private const double DefaultSeconds = 4;
    private const double ShortestSeconds = 1.8;
    private const double OnSeconds = 1;
    private const double OffSeconds = 0.6;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly string[] Directions = ["read", "write"];
    private static readonly LabTenant[] Tenants = [new("steady", 500, 1), new("greedy", 100, 3), new("passing", 200, 1)];

    internal static async Task<RunReport> RunAsync(LabOptions options, LabFolder folder, ILabProgress progress, CancellationToken cancellation)
    {
        DateTimeOffset started = DateTimeOffset.Now;
        DaemonProcess.CompileInFull();
        PathOptions path = PathOptions.Clear with { MediumBytes = MediumBytes };
        using StarLab lab = new(Tenants.Length + 1, path.MaximumTransmissionUnit);
        using CancellationTokenRegistration registration = cancellation.Register(lab.EndProcesses);
        lab.Shape(0, LinkMegabits, BurstBytes, QueueBytes);
        List<WorkloadResult> workloads = [];
        JsonObject status = [];
        Dictionary<(string Direction, bool IsOn), PolicyResult> results = [];
        foreach (bool isOn in (bool[])[false, true])
        {
            string policy = isOn ? "on" : "off";
            progress.Begin($"target and {Tenants.Length} hosts, policy {policy}");
            (DaemonProcess target, DaemonProcess[] hosts) = await StartAsync(lab, folder, path, isOn, cancellation).ConfigureAwait(false);
            await WarmUpAsync(hosts, cancellation).ConfigureAwait(false);
            progress.End("attached, media written");
            foreach (string direction in Directions)
            {
                progress.Begin($"{direction}s, policy {policy}");
                Run run = new(direction, $"{direction}-{policy}", target, hosts, workloads);
                PolicyResult result = await run.ExecuteAsync(options, progress, cancellation).ConfigureAwait(false);
                results[(direction, isOn)] = result;
                progress.End(string.Join(", ", result.Tenants.Select(tenant => string.Create(CultureInfo.InvariantCulture,
                    $"{tenant.Name} {tenant.AchievedMegabitsPerSecond:F0}"))) + " Mb/s");
            }

            status[policy] = await target.AskAsync(new JsonObject { ["command"] = "status" }, null, cancellation).ConfigureAwait(false);
            target.Kill();
            Array.ForEach(hosts, host => host.Kill());
        }

        return new RunReport
        {
            Started = started,
            Machine = MachineDescription.OfThisMachine(),
            Path = new PathDescription { Topology = "veth + bridge, 1 Gb/s token bucket at the target", MaximumTransmissionUnit = path.MaximumTransmissionUnit },
            Workloads = workloads,
            Directions =
            [
                .. Directions.Select(direction => new DirectionResult
                {
                    Name = direction,
                    LinkMegabitsPerSecond = LinkMegabits,
                    Off = results[(direction, false)],
                    On = results[(direction, true)],
                }),
            ],
            Status = status,
        };
    }

    private static async Task<(DaemonProcess Target, DaemonProcess[] Hosts)> StartAsync(StarLab lab, LabFolder folder, PathOptions path, bool isOn, CancellationToken cancellation)
    {
        // More workers than cores: none may spin. The link is what limits them, so sleeping costs nothing.
        string polling = nameof(PollPolicy.Blocking).ToLowerInvariant();
        string number = folder.NextNumber();
        JsonObject configuration = LabConfiguration.Target(
            path, NetworkLab.InterfaceName, Path.Combine(folder.Path, $"t{number}.sock"), null, [.. Tenants.Select(_ => string.Empty)], polling);
        JsonArray functions = configuration["functions"]!.AsArray();
        List<JsonObject> hostConfigurations = [];
        for (int i = 0; i < Tenants.Length; i++)
        {
            configuration["hosts"]![i]!["tenant"] = Tenants[i].Name;
            JsonObject host = LabConfiguration.Host(path, i, NetworkLab.InterfaceName, Path.Combine(folder.Path, $"h{i}-{number}.sock"), null, string.Empty, polling);
            for (int session = 1; session < Tenants[i].Sessions; session++)
            {
                JsonNode function = functions[i]!.DeepClone(), attachment = host["attachments"]![0]!.DeepClone();
                function["name"] = FunctionName(i, session);
                attachment["function"] = FunctionName(i, session);
                functions.Add(function);
                host["attachments"]!.AsArray().Add(attachment);
            }

            hostConfigurations.Add(host);
        }

        if (isOn)
        {
            configuration["gatekeeper"] = new JsonObject
            {
                ["linkMbps"] = LinkMegabits,
                ["tenants"] = new JsonArray([.. Tenants.Select(tenant => (JsonNode)new JsonObject
                {
                    ["name"] = tenant.Name,
                    ["egress"] = new JsonObject { ["minMbps"] = tenant.MinimumMegabits },
                    ["ingress"] = new JsonObject { ["minMbps"] = tenant.MinimumMegabits },
                })]),
            };
        }

        DaemonProcess target = DaemonProcess.Start(start => lab.Start(0, start), "pcieoe-target", folder.Path, configuration);
        await target.WaitAsync(_ => true, StartLimit, cancellation).ConfigureAwait(false);
        DaemonProcess[] hosts = [.. hostConfigurations.Select((host, index) => DaemonProcess.Start(start => lab.Start(index + 1, start), "pcieoe-host", folder.Path, host))];
        foreach (DaemonProcess host in hosts)
        {
            await host.WaitAsync(DaemonPair.IsAttached, StartLimit, cancellation).ConfigureAwait(false);
        }

        return (target, hosts);
    }

    /// <summary>Writes everything once: what is touched for the first time stops a daemon for as long as the kernel takes to find memory.</summary>
    private static async Task WarmUpAsync(DaemonProcess[] hosts, CancellationToken cancellation)
    {
        BenchRequest request = new() { Pattern = "write", BlockBytes = BlockBytes, QueueDepth = GreedyDepth, Commands = MediumBytes / BlockBytes, Seconds = 20, WorkingSetBytes = MediumBytes };
        await Task.WhenAll(Tenants.SelectMany((tenant, index) => Enumerable.Range(0, tenant.Sessions).Select(session =>
            hosts[index].AskAsync((request with { Attachment = FunctionName(index, session) }).ToJson("warm-up"), null, cancellation)))).ConfigureAwait(false);
    }

    private static string FunctionName(int tenant, int session) => LabConfiguration.FunctionName(tenant) + (session == 0 ? "" : $"-{session}");

    /// <param name="Sessions">How many functions its host attaches.</param>
    private sealed record LabTenant(string Name, double MinimumMegabits, int Sessions);

    /// <summary>All tenants' loads at once, in one direction, and what arrived of each.</summary>
    private sealed class Run(string direction, string name, DaemonProcess target, DaemonProcess[] hosts, List<WorkloadResult> workloads)
    {
        private readonly BenchRequest _request = new() { Pattern = $"rand{direction}", BlockBytes = BlockBytes, WorkingSetBytes = MediumBytes };
        private readonly List<(long From, long To)>[] _asked = [.. Tenants.Select(_ => new List<(long, long)>())];

        internal async Task<PolicyResult> ExecuteAsync(LabOptions options, ILabProgress progress, CancellationToken cancellation)
        {
            double seconds = Math.Max(options.Seconds ?? DefaultSeconds, ShortestSeconds);
            bool isRead = direction == "read";
            ArrivalRecord[] records = isRead
                ? [.. Tenants.Select(tenant => new ArrivalRecord(_ => tenant.Name))]
                : [new ArrivalRecord(host => Tenants[Array.FindIndex(Tenants, tenant => LabConfiguration.HostName(Array.IndexOf(Tenants, tenant)) == host)].Name)];
            IEnumerable<Task> recording = records.Select((record, index) => record.RunAsync(isRead ? hosts[index] : target, seconds + 1, cancellation));
            BenchRequest greedy = _request with
            {
                QueueDepth = GreedyDepth,
                Seconds = seconds,
                RatePerSecond = LinkMegabits * 1e6 / 8 / BlockBytes,
            };
            await Task.WhenAll(
            [
                .. recording,
                LoadAsync(0, _request with { QueueDepth = SteadyDepth, Seconds = seconds, Attachment = FunctionName(0, 0) }, progress, cancellation),
                .. Enumerable.Range(0, Tenants[1].Sessions).Select(session => LoadAsync(1, greedy with { Attachment = FunctionName(1, session) }, null, cancellation)),
                ComeAndGoAsync(seconds, cancellation),
            ]).ConfigureAwait(false);
            return Summarise([.. Tenants.Select((_, index) => records[isRead ? index : 0])]);
        }

        private async Task ComeAndGoAsync(double seconds, CancellationToken cancellation)
        {
            for (double at = OffSeconds; at + OnSeconds <= seconds; at += OnSeconds + OffSeconds)
            {
                await Task.Delay(TimeSpan.FromSeconds(OffSeconds), cancellation).ConfigureAwait(false);
                await LoadAsync(2, _request with { QueueDepth = PassingDepth, Seconds = OnSeconds }, null, cancellation).ConfigureAwait(false);
            }
        }

        private async Task LoadAsync(int tenant, BenchRequest load, ILabProgress? progress, CancellationToken cancellation)
        {
            long from = MonotonicClock.Nanoseconds;
            JsonObject answer = await hosts[tenant].AskAsync(
                load.ToJson($"{name}-{Tenants[tenant].Name}"), line => progress?.Report(line["progress"]!.GetValue<double>()), cancellation).ConfigureAwait(false);
            lock (workloads)
            {
                workloads.Add(BenchRequest.ResultOf(answer));
                _asked[tenant].Add((from, from + (long)(load.Seconds * 1e9)));
            }
        }

        private PolicyResult Summarise(ArrivalRecord[] records)
        {
            TenantResult[] results = new TenantResult[Tenants.Length];
            (long From, long To) greedy = default;
            for (int i = 0; i < results.Length; i++)
            {
                ArrivalRecord record = records[i];
                string tenant = Tenants[i].Name;
                List<(long From, long To)> spans = [.. _asked[i].Select(span => (record.FirstArrival(tenant, span.From) + SettleNanoseconds, span.To))];
                greedy = i == 1 ? spans[0] : greedy;
                results[i] = new TenantResult
                {
                    Name = tenant,
                    MinimumMegabitsPerSecond = Tenants[i].MinimumMegabits,
                    AchievedMegabitsPerSecond = Math.Round(spans.Average(span => record.Average(tenant, span.From, span.To)), 1),
                    WorstWindowMegabitsPerSecond = Math.Round(spans.Min(span => record.Worst(tenant, span.From, span.To, WindowNanoseconds)), 1),
                };
            }

            double used = Tenants.Select((tenant, index) => records[index].Average(tenant.Name, greedy.From, greedy.To)).Sum();
            return new PolicyResult { Tenants = results, UsedMegabitsPerSecond = Math.Round(used, 1) };
        }
    }
}
