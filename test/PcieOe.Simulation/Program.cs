using System.Diagnostics;
using System.Globalization;
using PcieOe.Simulation;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
const string Usage = """
    Runs the protocol's sessions over a simulated network that loses, duplicates, reorders, damages, delays and cuts, in virtual time.
    Towards the hosts go data, completion entries and interrupts of commands that Nested QoS and Gatekeeper let go: none may overtake.
    Every seed is a different network and a different run; the same seed is the same run.

      --seeds N       how many seeds (1000)
      --start N       the first seed (0)
      --tlps N        TLPs to deliver in each direction of each host (2000)
      --threads N     seeds run at one time (one for each core)
      --sabotage X    takes one safeguard out of the link: duplicate, replay, timer or crc. The run must fail.

    Exit code: 0 all went well, 1 a seed failed, 2 the options are wrong.
    """;
const int FewestSeedsForCompleteness = 200;
const long MostWorkingSetBytes = 2L << 30;

if (args is ["--help"] or ["-h"])
{
    Console.WriteLine(Usage);
    return 0;
}

if (!SimulationOptions.TryParse(args, out SimulationOptions options, out string mistake))
{
    Console.Error.WriteLine($"{mistake}\n\n{Usage}");
    return 2;
}

var clock = Stopwatch.StartNew();
var run = new SimulationRun(options);
using (new Timer(_ => Console.Error.WriteLine($"{run.Finished} of {options.Seeds} seeds, {clock.Elapsed.TotalSeconds:F0} s"), null, 10_000, 10_000))
{
    run.Run();
}

foreach ((string name, long count) in run.Totals.All)
{
    Console.WriteLine($"{count,15:N0}  {name}");
}

var failures = run.Failures.Select(failure =>
    $"seed {failure.Seed}: {failure.What}\n  repeat it: dotnet run -c Release --project test/PcieOe.Simulation -- --seeds 1 --start {failure.Seed}"
    + (options.Tlps == new SimulationOptions().Tlps ? string.Empty : $" --tlps {options.Tlps}")
    + (options.SabotageName is { } sabotage ? $" --sabotage {sabotage}" : string.Empty)).ToList();
if (failures.Count == 0 && options.Seeds >= FewestSeedsForCompleteness)
{
    failures.AddRange(run.Totals.All.Where(total => total.Count == 0).Select(total => $"There were no {total.Name}: the seeds do not try them."));
}

long workingSet = Process.GetCurrentProcess().PeakWorkingSet64;
if (workingSet > MostWorkingSetBytes)
{
    failures.Add($"Memory grew to {workingSet >> 20} MiB.");
}

failures.ForEach(Console.WriteLine);
Console.WriteLine($"{run.Finished} seeds, {run.Failures.Count} failed, {clock.Elapsed.TotalSeconds:F1} s, {workingSet >> 20} MiB at most");
return failures.Count == 0 ? 0 : 1;
