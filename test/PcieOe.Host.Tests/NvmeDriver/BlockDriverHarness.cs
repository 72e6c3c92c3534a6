using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media.Memory;
using PcieOe.FlashEndpoint.Pcie;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Host.Hops;
using PcieOe.Host.NvmeDriver;
using PcieOe.Host.RootComplex;
using PcieOe.Host.Tests.RootComplex;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Hops;
using PcieOe.Protocol.Nvme;
using PcieOe.Target.Functions;
using PcieOe.Target.Hops;
using PcieOe.Transport.Hops;
using Xunit;

namespace PcieOe.Host.Tests.NvmeDriver;

/// <summary>The built-in driver, a root port, two lanes, the target's bridge, the NVMe controller and memory: everything but a network.</summary>
internal sealed class BlockDriverHarness : IDisposable
{
    public const long Millisecond = 1_000_000;
    public const int BlockBytes = 4096;

    /// <summary>The clock of kernel timestamps counts from elsewhere.</summary>
    public const long RealtimeAhead = 1_700_000_000_000_000_000;

    private readonly MemoryMedium _medium;
    private readonly NvmeFunction _function;
    private readonly LabelledHops _targetTotals = new(Hop.TargetReceive, Hop.TargetTransmit);

    public BlockDriverHarness(NvmeDriverOptions? options = null, int memoryBufferBytes = 8 << 20, int frameBytes = 8900, int windowFrames = 256,
        long capacityBytes = 64 << 20, RootComplexOptions? portOptions = null, int maximumQueueEntries = 4096, int targetTransferBytes = 256 * 1024,
        bool useBlockDevice = false)
    {
        _medium = new MemoryMedium(capacityBytes, useHugePages: false);
        NvmeOptions nvme = new()
        {
            SerialNumber = "HOST0001",
            MemoryBufferBytes = memoryBufferBytes,
            IoQueuePairs = 8,
            MaximumQueueEntries = maximumQueueEntries,
            MaximumTransferBytes = targetTransferBytes,
            Namespaces = [new NamespaceOptions { SizeBytes = capacityBytes, BlockBytes = BlockBytes }],
        };
        _function = new NvmeFunction(nvme, _medium, NoFlashTiming.Instance);
        TargetArrivals = new FrameArrivals(() => Now, () => Now + RealtimeAhead);
        TargetHops = new HopRecorder(() => Now, new HopDelays(() => Now), _targetTotals, every: 0, TargetArrivals);
        Bridge = new FunctionBridge(_function, Admission, new FunctionBridgeOptions(), TargetHops);
        ToFunction = new InMemoryLane(frameBytes, windowFrames);
        ToHost = new InMemoryLane(frameBytes, windowFrames);
        Port = new RootPort(portOptions ?? new RootComplexOptions());
        Client = new CountingClient();
        options ??= new NvmeDriverOptions { PoolBytes = 32 << 20 };
        Hops = new HopSampler(() => Now, new HopDelays(() => Now), new SampleRecorder(targetClock: null, "tenant"), every: 0)
        {
            FramesLost = () => FramesLost,
            Arrivals = new FrameArrivals(() => Now, () => Now + RealtimeAhead),
        };
        Port.MessageSink = Hops;
        Device = useBlockDevice ? new BlockDevice(Port, options, () => { }, Hops) : null;
        Device?.Start(Now);
        Driver = Device?.Driver ?? new NvmeBlockDriver(Port, Client, options, Hops);
    }

    public HoldingAdmission Admission { get; } = new();

    public FunctionBridge Bridge { get; }

    public InMemoryLane ToFunction { get; }

    public InMemoryLane ToHost { get; }

    public RootPort Port { get; }

    public NvmeBlockDriver Driver { get; }

    /// <summary>Where the driver serves channels rather than <see cref="Client"/>.</summary>
    public BlockDevice? Device { get; }

    public CountingClient Client { get; }

    /// <summary>Stamps none until it is told to.</summary>
    public HopSampler Hops { get; }

    public HopRecorder TargetHops { get; }

    /// <summary>When the target's kernel has the frames that are handed over.</summary>
    public FrameArrivals TargetArrivals { get; }

    /// <summary>What the host's session has lost.</summary>
    public long FramesLost { get; set; }

    public long Now { get; set; } = 1_000_000_000;

    public bool IsCableIn { get; set; } = true;

    public static BlockDriverHarness Ready(NvmeDriverOptions? options = null, int memoryBufferBytes = 8 << 20, int frameBytes = 8900, int windowFrames = 256,
        int maximumQueueEntries = 4096, int targetTransferBytes = 256 * 1024)
    {
        BlockDriverHarness harness = new(options, memoryBufferBytes, frameBytes, windowFrames,
            maximumQueueEntries: maximumQueueEntries, targetTransferBytes: targetTransferBytes);
        harness.Driver.Start(harness.Now);
        harness.Connect(FunctionResetKind.Conventional);
        Assert.Equal(BlockDriverState.Ready, harness.Driver.State);
        return harness;
    }

    /// <summary>A new session.</summary>
    public void Connect(FunctionResetKind kind)
    {
        ToFunction.Clear();
        ToHost.Clear();
        IsCableIn = true;
        Bridge.Open(ToHost, kind, Now);
        Port.OnSessionEstablished(ToFunction, isResumed: false, Now);
        Run();
    }

    public void CutCable()
    {
        IsCableIn = false;
        Bridge.Suspend(Now);
        Port.OnSessionOutage(Now);
    }

    public void Resume()
    {
        IsCableIn = true;
        Bridge.Resume(Now);
        Port.OnSessionEstablished(ToFunction, isResumed: true, Now);
        Run();
    }

    /// <summary>The function forgets everything, configuration included, though its session goes on.</summary>
    public void Fail() => _function.Reset(FunctionResetKind.StateLost, Now);

    /// <summary>Poll rounds until nothing moves and nothing is due.</summary>
    public void Run()
    {
        for (int round = 0; round < 100_000; round++)
        {
            if (!Round())
            {
                return;
            }
        }

        Assert.Fail("No end of traffic.");
    }

    /// <summary>One poll round of both daemons. False: nothing moved.</summary>
    public bool Round()
    {
        TargetHops.OnLeaving(ToHost.LastMark);
        int moved = IsCableIn ? ToHost.Deliver(Port, Now) : 0;
        Port.OnTimer(Now);
        moved += PollDriver();
        Port.Pump(Now);
        Hops.OnLeaving(ToFunction.LastMark);
        moved += IsCableIn ? ToFunction.Deliver(Bridge, Now) : 0;
        Bridge.OnTimer(Now);
        Bridge.Pump(Now);
        return moved > 0 || ToHost.WaitingFrames > 0 && IsCableIn;
    }

    /// <summary>Lets time pass, from deadline to deadline.</summary>
    public void Advance(long milliseconds)
    {
        long end = Now + milliseconds * Millisecond;
        for (int step = 0; step < 1_000_000; step++)
        {
            Run();
            long next = Math.Min(Math.Min(Port.NextDeadline, Driver.NextDeadline), Bridge.NextDeadline);
            if (next > end)
            {
                break;
            }

            Now = Math.Max(Now + 1000, next);
        }

        Now = Math.Max(Now, end);
        Run();
    }

    /// <summary>One command to its end.</summary>
    public NvmeStatus Do(in BlockCommand command)
    {
        int before = Client.Completions;
        Assert.True(Driver.TrySubmit(command, Now));
        Run();
        Assert.Equal(before + 1, Client.Completions);
        return Client.LastStatus;
    }

    private int PollDriver()
    {
        if (Device is not null)
        {
            return Device.Poll(Now) ? 1 : 0;
        }

        Driver.Pump(Now);
        return 0;
    }

    public void Dispose()
    {
        if (Driver.State is not (BlockDriverState.Stopped or BlockDriverState.Gone))
        {
            Port.OnFunctionRemoved(Now);
            Driver.Pump(Now);
        }

        Driver.Dispose();
        Port.Dispose();
        Hops.Dispose();
        _targetTotals.Dispose();
        _function.Dispose();
        _medium.Dispose();
    }
}

/// <summary>Admits everything, or holds everything.</summary>
internal sealed class HoldingAdmission : IAdmission
{
    public bool IsHolding { get; set; }

    public int Held { get; private set; }

    public Queue<TransactionToken> Waiting { get; } = [];

    private IAdmissionSink? Sink { get; set; }

    public void Attach(IAdmissionSink sink) => Sink = sink;

    /// <summary>Starts the one that has waited longest.</summary>
    public void ReleaseOne(long now) => Sink!.OnAdmitted(Waiting.Dequeue(), long.MaxValue, now);

    public Admission Submit(in AdmissionRequest request, long now)
    {
        if (IsHolding)
        {
            Held++;
            Waiting.Enqueue(request.Token);
        }

        return IsHolding ? PcieOe.Protocol.Functions.Admission.Deferred : PcieOe.Protocol.Functions.Admission.StartNow(long.MaxValue);
    }

    public void Withdraw() => Waiting.Clear();
}

internal sealed class CountingClient : IBlockDriverClient
{
    public int Completions { get; private set; }

    public int Errors { get; private set; }

    public NvmeStatus LastStatus { get; private set; }

    public ulong LastContext { get; private set; }

    public List<BlockDriverState> States { get; } = [];

    public Action<ulong, NvmeStatus>? OnEnd { get; set; }

    public void OnCompleted(ulong context, NvmeStatus status, long now)
    {
        Completions++;
        Errors += status == NvmeStatus.Success ? 0 : 1;
        LastStatus = status;
        LastContext = context;
        OnEnd?.Invoke(context, status);
    }

    public void OnStateChanged(BlockDriverState state, long now) => States.Add(state);
}
