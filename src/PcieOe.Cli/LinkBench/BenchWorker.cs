using System.Text.Json;
using PcieOe.Cli.LinkBench.Scenarios;
using PcieOe.Transport.Ports.Packet;

namespace PcieOe.Cli.LinkBench;

/// <summary>
/// One of the two processes of a measurement. It reads orders, one a line; the measuring itself is done by a thread of its own, so that
/// the one that answers can be told to stop. The end of its input ends it.
/// </summary>
internal static class BenchWorker
{
    internal const string StopWord = "stop";

    /// <summary>What it says once it is ready to answer.</summary>
    internal const string ReadyWord = "ready";

    internal static int Run(string interfaceName, TextReader input, TextWriter output)
    {
        using PacketPort port = PacketPort.Open(new PacketPortOptions { InterfaceName = interfaceName });
        WriteLine(output, JsonSerializer.Serialize(new BenchGreeting(port.Address.ToString()), BenchJson.Default.BenchGreeting));
        while (input.ReadLine() is { } line)
        {
            BenchOrder order = JsonSerializer.Deserialize(line, BenchJson.Default.BenchOrder) ?? throw new FormatException("An order is empty.");
            BenchOutcome outcome = Perform(new BenchContext(port, order), input, output);
            WriteLine(output, JsonSerializer.Serialize(outcome, BenchJson.Default.BenchOutcome));
        }

        return 0;
    }

    private static BenchOutcome Perform(BenchContext context, TextReader input, TextWriter output)
    {
        BenchOutcome? outcome = null;
        Thread thread = new(() => outcome = Measure(context)) { Name = "measurement", IsBackground = true };
        context.DiscardStragglers();
        thread.Start();
        if (!context.Order.IsInitiator)
        {
            WriteLine(output, ReadyWord);
            _ = input.ReadLine();
            context.Stop();
        }

        thread.Join();
        return outcome!;
    }

    private static BenchOutcome Measure(BenchContext context)
    {
        try
        {
            return (context.Order.Scenario, context.Order.IsInitiator) switch
            {
                (BenchScenario.FloorRoundTrip, true) => FloorRoundTrip.Initiate(context),
                (BenchScenario.FloorRoundTrip, false) => FloorRoundTrip.Answer(context),
                (BenchScenario.FloorFlood, true) => FloorFlood.Initiate(context),
                (BenchScenario.FloorFlood, false) => FloorFlood.Answer(context),
                (BenchScenario.LinkRoundTrip, true) => LinkRoundTrip.Initiate(context),
                (BenchScenario.LinkRoundTrip, false) => LinkRoundTrip.Answer(context),
                (_, true) => LinkFlood.Initiate(context),
                (_, false) => LinkFlood.Answer(context),
            };
        }
        catch (Exception exception)
        {
            // Whatever it is, the one who gave the order must hear of it.
            return new BenchOutcome { Error = exception.ToString() };
        }
    }

    private static void WriteLine(TextWriter output, string line)
    {
        output.WriteLine(line);
        output.Flush();
    }
}
