using System.Diagnostics;
using System.Text.Json;
using PcieOe.Cli.Lab;

namespace PcieOe.Cli.LinkBench;

/// <summary>The two workers of a lab, each on a processor of its own where there are two, and how they are told what to do.</summary>
internal sealed class BenchPair
{
    private readonly Worker _initiator;
    private readonly Worker _responder;
    private int _number;

    internal BenchPair(NetworkLab lab)
    {
        bool hasTwo = Environment.ProcessorCount > 1;
        _responder = new Worker(lab, lab.First, hasTwo ? 1 : null);
        _initiator = new Worker(lab, lab.Second, hasTwo ? 0 : null);
    }

    /// <summary>Makes one measurement.</summary>
    /// <param name="describe">The order, as the initiator gets it; the rest is filled in here.</param>
    internal (BenchOutcome Initiator, BenchOutcome Responder) Measure(BenchOrder describe)
    {
        BenchOrder order = describe with { Number = ++_number };
        _responder.Tell(order with { IsInitiator = false, PeerAddress = _initiator.Address });
        _responder.AwaitReady();
        _initiator.Tell(order with { IsInitiator = true, PeerAddress = _responder.Address });
        BenchOutcome initiator = _initiator.AwaitOutcome();
        _responder.Stop();
        return (initiator, _responder.AwaitOutcome());
    }

    private sealed class Worker
    {
        private readonly Process _process;

        internal Worker(NetworkLab lab, NetworkNamespace place, int? processor)
        {
            IReadOnlyList<string> self = ProgramPath.Self();
            ProcessStartInfo start = new(self[0], [.. self.Skip(1), Commands.BenchLinkWorkerCommand.Name, NetworkLab.InterfaceName])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            };

            // Compiled in full at once, as the code of a daemon is after its first seconds: a measurement is too short to wait for that.
            start.Environment["DOTNET_TC_QuickJit"] = "0";
            _process = lab.Start(place, start, processor);
            Address = JsonSerializer.Deserialize(ReadLine(), BenchJson.Default.BenchGreeting)!.Address;
        }

        internal string Address { get; }

        internal void Tell(BenchOrder order) => WriteLine(JsonSerializer.Serialize(order, BenchJson.Default.BenchOrder));

        internal void Stop() => WriteLine(BenchWorker.StopWord);

        internal void AwaitReady() => _ = ReadLine();

        internal BenchOutcome AwaitOutcome()
        {
            BenchOutcome outcome = JsonSerializer.Deserialize(ReadLine(), BenchJson.Default.BenchOutcome)!;
            return outcome.Error is null ? outcome : throw new LabException($"A measurement failed: {outcome.Error}.");
        }

        private string ReadLine() =>
            _process.StandardOutput.ReadLine() ?? throw new LabException("A worker of the measurement ended early; what it said is above.");

        private void WriteLine(string line)
        {
            _process.StandardInput.WriteLine(line);
            _process.StandardInput.Flush();
        }
    }
}
