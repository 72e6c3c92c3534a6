using PcieOe.Host.RootComplex;
using Xunit;

namespace PcieOe.Host.Tests.RootComplex;

/// <summary>A root port, two lanes, a scripted function, a recording client, and a clock that moves only when told.</summary>
internal sealed class RootPortHarness : IDisposable
{
    public const long Millisecond = 1_000_000;

    public RootPortHarness(RootComplexOptions? options = null, int frameBytes = 8900, int windowFrames = 64)
    {
        ToFunction = new InMemoryLane(frameBytes, windowFrames);
        ToHost = new InMemoryLane(frameBytes, 2048);
        Function = new FakeFunction(ToHost);
        Port = new RootPort(options ?? new RootComplexOptions());
        Client = new RecordingClient();
    }

    public RootPort Port { get; }

    public FakeFunction Function { get; }

    public InMemoryLane ToFunction { get; }

    public InMemoryLane ToHost { get; }

    public RecordingClient Client { get; }

    public long Now { get; set; } = 1_000_000_000;

    /// <summary>False: the cable is cut, and frames wait.</summary>
    public bool IsCableIn { get; set; } = true;

    /// <summary>Enumerated, with the client attached and bus mastering on.</summary>
    public static RootPortHarness Up(RootComplexOptions? options = null, int frameBytes = 8900, int windowFrames = 64)
    {
        RootPortHarness harness = new(options, frameBytes, windowFrames);
        harness.Port.Attach(harness.Client);
        harness.Establish();
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        harness.EnableBusMaster();
        harness.Function.ConfigWrites.Clear();
        harness.Function.Writes.Clear();
        return harness;
    }

    public void EnableBusMaster()
    {
        Assert.True(Port.TryWriteConfig(4, 6, 3, Now));
        Run();
    }

    public void Establish(bool isResumed = false)
    {
        IsCableIn = true;
        Port.OnSessionEstablished(ToFunction, isResumed, Now);
        Run();
    }

    /// <summary>The target lost its state: a new session with a function as after power-on.</summary>
    public void Replace()
    {
        ToFunction.Clear();
        ToHost.Clear();
        Function.Reset();
        Function.Reads.Clear();
        Function.Writes.Clear();
        Establish();
    }

    public void CutCable()
    {
        IsCableIn = false;
        Port.OnSessionOutage(Now);
    }

    /// <summary>Poll rounds until nothing moves.</summary>
    public void Run()
    {
        for (int round = 0; round < 1000; round++)
        {
            Port.OnTimer(Now);
            Port.Pump(Now);
            int moved = 0;
            if (IsCableIn)
            {
                moved += ToFunction.Deliver(Function, Now);
                moved += ToHost.Deliver(Port, Now);
            }

            if (moved == 0)
            {
                return;
            }
        }

        Assert.Fail("No end of traffic.");
    }

    public void Advance(long milliseconds)
    {
        long end = Now + milliseconds * Millisecond;
        while (Port.NextDeadline <= end)
        {
            Now = Math.Max(Now, Port.NextDeadline);
            Run();
        }

        Now = end;
        Run();
    }

    public void Dispose() => Port.Dispose();
}

internal sealed class RecordingClient : IRemoteFunctionClient
{
    public List<(ulong Context, RegionReadStatus Status, byte[] Data)> Reads { get; } = [];

    public List<int> Interrupts { get; } = [];

    public List<RemoteFunctionState> States { get; } = [];

    public List<bool> Resets { get; } = [];

    public int Replacements { get; private set; }

    public void OnRegionRead(ulong context, RegionReadStatus status, ReadOnlySpan<byte> data, long now) =>
        Reads.Add((context, status, data.ToArray()));

    public void OnInterrupt(int vector, long now) => Interrupts.Add(vector);

    public void OnStateChanged(RemoteFunctionState state, long now) => States.Add(state);

    public void OnReplaced(long now) => Replacements++;

    public void OnResetCompleted(bool succeeded, long now) => Resets.Add(succeeded);
}
