using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Tlp;
using PcieOe.Target.Functions;
using Xunit;

namespace PcieOe.Target.Tests.Functions;

public sealed class AllocationTests
{
    [Fact]
    public void Bridge_InSteadyState_AllocatesNothing()
    {
        NullLane lane = new();
        EchoFunction function = new();
        FunctionBridge bridge = new(function, new UnlimitedAdmission(), new FunctionBridgeOptions());
        bridge.Open(lane, FunctionResetKind.Conventional, 0);
        byte[] frame = new byte[16 + 4 + 16];
        MemoryRequestHeader.Write(0x1_0000_0000, 4, new RoutingId(8)).Write(frame);
        MemoryRequestHeader.Read(0x1_0000_0000, 512, new RoutingId(8), 3).Write(frame.AsSpan(20));
        byte[] answer = new byte[CompletionHeader.WrittenLength + 512];
        Run(bridge, function, lane, frame, answer, 100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(bridge, function, lane, frame, answer, 20_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(20_100, function.ReadsEnded);
        Assert.Equal(20_100, bridge.Counters.TransactionsSent);
    }

    private static void Run(FunctionBridge bridge, EchoFunction function, NullLane lane, byte[] frame, byte[] answer, int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            bridge.OnTlps(frame, (ulong)round, round);
            function.Start();
            lane.Reset();
            bridge.Pump(round);
            if (!TlpView.TryParse(lane.First, out TlpView request) || !request.Type.IsMemoryRead)
            {
                throw new InvalidOperationException("No read request came first.");
            }

            new CompletionHeader
            {
                CompleterId = new RoutingId(8),
                Status = CompletionStatus.SuccessfulCompletion,
                RequesterId = request.RequesterId,
                Tag = request.Tag,
                LengthDoublewords = 128,
                ByteCount = 512,
            }.Write(answer);
            bridge.OnTlps(answer, (ulong)round, round);
            bridge.Pump(round);
            bridge.OnTimer(round);
        }
    }

    /// <summary>One frame of room, over and over.</summary>
    private sealed class NullLane : Protocol.Link.ITlpTransmitter
    {
        private readonly byte[] _frame = new byte[8948];
        private int _filled;

        public int MaximumTlpBytes => _frame.Length;

        public int RoomBytes => _frame.Length - _filled;

        public ReadOnlySpan<byte> First => _frame;

        public void Reset() => _filled = 0;

        public Span<byte> Reserve(int bytes)
        {
            _filled = _filled + bytes > _frame.Length ? 0 : _filled;
            return _frame.AsSpan(_filled, bytes);
        }

        public void Commit(int bytes) => _filled += bytes;
    }

    /// <summary>Reads 512 bytes by DMA, then writes them back.</summary>
    private sealed class EchoFunction : IPcieFunction
    {
        private readonly byte[] _memory = new byte[4096];
        private IFunctionHost _host = null!;

        public int ReadsEnded { get; private set; }

        public long NextDeadline => long.MaxValue;

        public void Attach(IFunctionHost host) => _host = host;

        public void Start() => _host.TryRead(0x1000, 512, new DmaReadId(1));

        public uint ReadConfig(int offset) => 0;

        public void WriteConfig(int offset, uint value, byte byteEnables, long now)
        {
        }

        public bool TryReadMemory(ulong address, Span<byte> destination, long now)
        {
            _memory.AsSpan(0, destination.Length).CopyTo(destination);
            return true;
        }

        public bool TryWriteMemory(ulong address, ReadOnlySpan<byte> data, long now)
        {
            data.CopyTo(_memory);
            return true;
        }

        public void Reset(FunctionResetKind kind, long now)
        {
        }

        public void OnReadData(DmaReadId id, int offset, ReadOnlySpan<byte> data, long now) => data.CopyTo(_memory.AsSpan(offset));

        public void OnReadCompleted(DmaReadId id, DmaReadStatus status, long now)
        {
            ReadsEnded++;
            TransactionToken token = new(id.Value);
            Admission admission = _host.Submit(new AdmissionRequest { Token = token, ArrivalNanoseconds = now, Bytes = 512 }, now);
            if (admission.Starts)
            {
                _host.Ready(new ReadyTransaction { Token = token, DeadlineNanoseconds = admission.DeadlineNanoseconds, BytesToWrite = 512 });
            }
        }

        public void OnReadRoom(long now)
        {
        }

        public bool OnAdmitted(TransactionToken token, long deadlineNanoseconds, long now) => true;

        public MaterializeResult Materialize(TransactionToken token, IDmaWriter writer, long now)
        {
            Span<byte> span = writer.Reserve(0x2000, 512);
            _memory.AsSpan(0, span.Length).CopyTo(span);
            return MaterializeResult.Completed;
        }

        public void OnTimer(long now)
        {
        }
    }
}
