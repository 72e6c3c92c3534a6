using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Tlp;
using PcieOe.Target.Functions;
using Xunit;

namespace PcieOe.Target.Tests.Functions;

/// <summary>A bridge between a fake function and an array-backed lane, with the host's side played by the test.</summary>
internal sealed class BridgeHarness
{
    public static readonly RoutingId Host = new(0, 3, 0);
    public static readonly RoutingId Device = new(1, 0, 0);

    public BridgeHarness(FunctionBridgeOptions? options = null, int frameBytes = 8948, IAdmission? admission = null)
    {
        Lane = new ArrayLane(frameBytes);
        Bridge = new FunctionBridge(Function, admission ?? new UnlimitedAdmission(), options ?? new FunctionBridgeOptions());
        Bridge.Open(Lane, FunctionResetKind.Conventional, Now);
        for (int index = 0; index < Function.Memory.Length; index++)
        {
            Function.Memory[index] = Pattern((ulong)index);
        }

        Function.Log.Clear();
    }

    public FakeFunction Function { get; } = new();

    public ArrayLane Lane { get; }

    public FunctionBridge Bridge { get; }

    public FunctionBridgeCounters Counters => Bridge.Counters;

    public long Now { get; set; } = 1_000_000;

    public static byte Pattern(ulong address) => (byte)(address * 197 + (address >> 8) * 31);

    public static byte[] Bytes(string words) => Convert.FromHexString(words.Replace(" ", string.Empty, StringComparison.Ordinal));

    public static string Words(ReadOnlySpan<byte> bytes)
    {
        string hex = Convert.ToHexStringLower(bytes);
        return string.Join(' ', Enumerable.Range(0, hex.Length / 8).Select(index => hex.Substring(index * 8, 8)));
    }

    public void Receive(params byte[][] tlps) => Bridge.OnTlps(tlps.SelectMany(tlp => tlp).ToArray(), 77, Now);

    public void Receive(string words) => Receive(Bytes(words));

    /// <summary>What the bridge sent as answer to one request, as words.</summary>
    public List<string> Exchange(string words)
    {
        Receive(words);
        return [.. Lane.TakeTlps().Select(tlp => Words(tlp))];
    }

    public List<byte[]> PumpAndTake()
    {
        Bridge.Pump(Now);
        return Lane.TakeTlps();
    }

    /// <summary>Lets the function know its own number, as a configuration write does.</summary>
    public void Enumerate()
    {
        Receive("44000001 0018000f 01000004 06000000");
        Lane.TakeTlps();
        Function.Log.Clear();
    }

    /// <summary>The completions that a host with patterned memory gives for a read request.</summary>
    public static List<byte[]> Answer(byte[] request, int maximumPayload = 4096, int boundary = 64)
    {
        Assert.True(TlpView.TryParse(request, out TlpView view));
        Assert.True(view.Type.IsMemoryRead);
        CompletionSplitter splitter = new(view, maximumPayload, boundary);
        ulong address = view.Address + (uint)view.ByteEnables.FirstByteOffset;
        List<byte[]> completions = [];
        while (splitter.TryNext(out CompletionPiece piece))
        {
            byte[] tlp = new byte[CompletionHeader.WrittenLength + piece.LengthDoublewords * 4];
            new CompletionHeader
            {
                CompleterId = Host,
                Status = CompletionStatus.SuccessfulCompletion,
                RequesterId = view.RequesterId,
                Tag = view.Tag,
                LengthDoublewords = piece.LengthDoublewords,
                ByteCount = piece.ByteCount,
                LowerAddress = piece.LowerAddress,
            }.Write(tlp);
            for (int index = 0; index < piece.Bytes; index++)
            {
                tlp[CompletionHeader.WrittenLength + piece.PaddingBytes + index] = Pattern(address + (uint)(piece.Offset + index));
            }

            completions.Add(tlp);
        }

        return completions;
    }

    public static byte[] Refuse(byte[] request, CompletionStatus status)
    {
        Assert.True(TlpView.TryParse(request, out TlpView view));
        byte[] tlp = new byte[CompletionHeader.WrittenLength];
        CompletionHeader.WithoutData(view, Host, status).Write(tlp);
        return tlp;
    }

    public static ushort TagOf(byte[] tlp)
    {
        Assert.True(TlpView.TryParse(tlp, out TlpView view));
        return view.Tag;
    }

    public void AssertPattern(ulong id, ulong address)
    {
        byte[] buffer = Function.ReadBuffers[id];
        for (int index = 0; index < buffer.Length; index++)
        {
            Assert.Equal(Pattern(address + (uint)index), buffer[index]);
        }
    }
}
