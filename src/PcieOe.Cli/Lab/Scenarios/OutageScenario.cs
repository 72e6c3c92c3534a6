using System.Diagnostics;
using System.Globalization;
using PcieOe.Cli.Lab.Daemons;
using PcieOe.Cli.Reports;
using PcieOe.Host.Bench;
using PcieOe.Transport.Polling;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>Verified load on file media while first the cable is cut, then the target killed and started again.</summary>
internal static class OutageScenario
{
    private const double SecondsBefore = 2;
    private const double SecondsAfter = 6;

    internal static async Task<RunReport> RunAsync(LabOptions options, LabFolder folder, ILabProgress progress, CancellationToken cancellation)
    {
        DateTimeOffset started = DateTimeOffset.Now;
        using NetworkLab lab = NetworkLab.Create(PathOptions.Clear.MaximumTransmissionUnit);
        using CancellationTokenRegistration registration = cancellation.Register(lab.EndProcesses);
        PathOptions path = PathOptions.Keyed with { MediaFile = Path.Combine(folder.Path, "flash.img"), Variant = null };
        progress.Begin("daemons, file media, keyed");
        DaemonPair pair = await DaemonPair.StartAsync(lab, folder, path, cancellation).ConfigureAwait(false);
        await CharacterizeScenario.PrepareAsync(pair, options, progress, cancellation).ConfigureAwait(false);
        progress.End("attached");
        async Task Cut()
        {
            lab.First.Run(() => RouteNetlink.SetUp(NetworkLab.InterfaceName, false));
            await Task.Delay(TimeSpan.FromSeconds(options.OutageSeconds), cancellation).ConfigureAwait(false);
            lab.First.Run(() => RouteNetlink.SetUp(NetworkLab.InterfaceName, true));
        }

        Task Kill()
        {
            pair.RestartTarget();
            return Task.CompletedTask;
        }

        (OutageResult cut, WorkloadResult cutLoad) = await LoadAsync(pair, options, "cable cut", options.OutageSeconds, Cut, progress, cancellation).ConfigureAwait(false);
        (OutageResult killed, WorkloadResult killedLoad) = await LoadAsync(pair, options, "target killed", 0, Kill, progress, cancellation).ConfigureAwait(false);
        return new RunReport
        {
            Started = started,
            Machine = MachineDescription.OfThisMachine(),
            Path = new PathDescription { MaximumTransmissionUnit = path.MaximumTransmissionUnit, IsKeyed = true },
            Workloads = [cutLoad, killedLoad],
            Outage = cut with { TargetKilled = killed },
            Status = await pair.StatusAsync(cancellation).ConfigureAwait(false),
        };
    }

    private static async Task<(OutageResult Outage, WorkloadResult Load)> LoadAsync(
        DaemonPair pair, LabOptions options, string name, double outageSeconds, Func<Task> disturb, ILabProgress progress, CancellationToken cancellation)
    {
        progress.Begin(name);
        BenchRequest request = new()
        {
            Pattern = "verify",
            QueueDepth = 16,
            Seconds = SecondsBefore + outageSeconds + SecondsAfter,
            WorkingSetBytes = Math.Min(options.WorkingSetBytes, 64L << 20),
        };
        Task<WorkloadResult> load = pair.BenchAsync(request, $"verify-{name.Replace(' ', '-')}", progress.Report, cancellation);
        await Task.Delay(TimeSpan.FromSeconds(SecondsBefore), cancellation).ConfigureAwait(false);
        Stopwatch outage = Stopwatch.StartNew();
        await disturb().ConfigureAwait(false);
        long backAt = MonotonicClock.Nanoseconds;
        double seconds = outage.Elapsed.TotalSeconds;
        WorkloadResult result = await load.ConfigureAwait(false);
        double recovered = Math.Max(0, (result.LastLongGapEndedAtNanoseconds - backAt) / 1e9);
        OutageResult outcome = new()
        {
            OutageSeconds = Math.Round(seconds, 3),
            RecoveredAfterSeconds = Math.Round(recovered, 3),
            Errors = result.Errors,
            VerifyErrors = result.VerifyErrors,
            VerifiedBlocks = result.VerifiedBlocks,
        };
        progress.End(string.Create(CultureInfo.InvariantCulture,
            $"out for {seconds:F1} s, back after {recovered:F3} s, {result.Errors} failed, {result.VerifiedBlocks:N0} blocks verified, {result.VerifyErrors} wrong"));
        return (outcome, result);
    }
}
