using System.Buffers.Binary;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Tlp;
using PcieOe.Target.Functions;
using Xunit;

namespace PcieOe.Target.Tests.Functions;

/// <summary>Ready transactions: which goes next, and how its writes fill frames.</summary>
public sealed class EgressTests
{
    private readonly BridgeHarness _harness = new();

    public EgressTests() => _harness.Enumerate();

    [Fact]
    public void Transactions_ByDeadline_EqualOnesInTheOrderOfComing()
    {
        Random random = new(5);
        List<(long Deadline, ulong Token)> expected = [];
        List<ulong> sent = [];
        _harness.Function.OnMaterialize = (token, _) =>
        {
            sent.Add(token.Value);
            return MaterializeResult.Completed;
        };
        for (ulong token = 0; token < 2000; token++)
        {
            long deadline = random.Next(4) == 0 ? long.MaxValue : random.Next(50);
            expected.Add((deadline, token));
            _harness.Function.Ready(token, deadline);
        }

        Assert.Empty(sent);
        Assert.Equal(2000 * 32, _harness.Bridge.WaitingBytes);
        _harness.Bridge.Pump(_harness.Now);
        Assert.Equal(expected.OrderBy(entry => entry.Deadline).ThenBy(entry => entry.Token).Select(entry => entry.Token), sent);
        Assert.Equal(0, _harness.Bridge.WaitingBytes);
        Assert.Equal(2000, _harness.Counters.TransactionsSent);
    }

    [Fact]
    public void Transaction_OutOfRoom_GoesOnBeforeAnEarlierDeadline()
    {
        List<ulong> calls = [];
        int written = 0;
        _harness.Function.OnMaterialize = (token, writer) =>
        {
            calls.Add(token.Value);
            if (token.Value != 1)
            {
                return MaterializeResult.Completed;
            }

            while (written < 20_000)
            {
                Span<byte> span = writer.Reserve(0x1_0000_0000 + (ulong)written, 20_000 - written);
                if (span.IsEmpty)
                {
                    return MaterializeResult.Partial;
                }

                span.Fill(0x11);
                written += span.Length;
            }

            return MaterializeResult.Completed;
        };
        _harness.Lane.Window = 1;
        _harness.Function.Ready(1, deadline: 500);
        _harness.Bridge.Pump(_harness.Now);
        Assert.True(_harness.Bridge.HasUnsent);
        _harness.Function.Ready(2, deadline: 1);
        _harness.Lane.TakeTlps();
        _harness.Lane.Window = 10;
        _harness.Bridge.Pump(_harness.Now);
        Assert.Equal([1, 1, 2], calls.Select(token => (int)token));
        Assert.Equal(20_000, written);
        Assert.False(_harness.Bridge.HasUnsent);
    }

    [Fact]
    public void Transaction_Blocked_HoldsBackNobody()
    {
        List<ulong> calls = [];
        _harness.Function.OnMaterialize = (token, _) =>
        {
            calls.Add(token.Value);
            return token.Value == 1 && calls.Count == 1 ? MaterializeResult.Blocked : MaterializeResult.Completed;
        };
        _harness.Function.Ready(1, deadline: 1);
        _harness.Function.Ready(2, deadline: 2);
        _harness.Bridge.Pump(_harness.Now);
        Assert.Equal([1, 2], calls.Select(token => (int)token));
        Assert.False(_harness.Bridge.HasUnsent);
        Assert.Equal(1, _harness.Counters.TransactionsBlocked);
        _harness.Function.Ready(1, deadline: 1);
        _harness.Bridge.Pump(_harness.Now);
        Assert.Equal([1, 2, 1], calls.Select(token => (int)token));
    }

    [Theory]
    [InlineData(8948, 5, 0x1_0000_0000, 131072)]
    [InlineData(8948, 5, 0x1_0000_0003, 9001)]
    [InlineData(1448, 5, 0x2003, 4097)]
    [InlineData(1448, 0, 0xFFFF_F001, 4095)]
    [InlineData(8948, 5, 0xFFFF_F800, 8192)]
    [InlineData(1448, 5, 0x1000, 1)]
    public void Write_OfAnyRange_KeepsTheRulesAndArrivesWhole(int frameBytes, int payloadCode, long address, int length)
    {
        BridgeHarness harness = new(frameBytes: frameBytes);
        harness.Function.DeviceControl = (uint)payloadCode << 5;
        harness.Bridge.Open(harness.Lane, FunctionResetKind.Conventional, 0);
        harness.Function.OnMaterialize = WritePattern((ulong)address, length);
        harness.Function.Ready(1);
        harness.Bridge.Pump(harness.Now);
        AssertPatternWrites(harness, (ulong)address, length, Math.Min(128 << payloadCode, frameBytes == 1448 ? 1024 : 4096));
    }

    [Fact]
    public void Writes_OfManyTransactions_FillFrames()
    {
        _harness.Function.OnMaterialize = WritePattern(0x1_0000_0000, 4096);
        for (ulong token = 0; token < 100; token++)
        {
            _harness.Function.Ready(token);
        }

        _harness.Bridge.Pump(_harness.Now);
        List<byte[]> frames = _harness.Lane.TakeFrames();
        Assert.All(frames.SkipLast(1), frame => Assert.True(frame.Length >= 8948 - 272, $"{frame.Length} bytes"));
        Assert.InRange(frames.Count, 100 * 4112 / 8948, 100 * 4144 / 8948 + 1);
    }

    [Fact]
    public void ReserveWhole_NearTheEndOfAFrame_NotCut()
    {
        BridgeHarness harness = new(frameBytes: 1448);
        int entries = 0;
        harness.Function.OnMaterialize = (_, writer) =>
        {
            Span<byte> entry = writer.ReserveWhole(0x1_0000_0000 + (ulong)entries * 16, 16);
            if (entry.IsEmpty)
            {
                return MaterializeResult.Partial;
            }

            BinaryPrimitives.WriteInt32LittleEndian(entry, entries);
            entry[4..].Clear();
            entries++;
            return MaterializeResult.Completed;
        };
        harness.Lane.Window = 3;
        for (ulong token = 0; token < 200; token++)
        {
            harness.Function.Ready(token);
        }

        harness.Bridge.Pump(harness.Now);
        Assert.Equal(3 * (1448 / 32), entries);
        List<byte[]> tlps = harness.Lane.TakeTlps();
        Assert.Equal(entries, tlps.Count);
        harness.Lane.Window = 10;
        tlps.AddRange(harness.PumpAndTake());
        Assert.Equal(200, tlps.Count);
        for (int index = 0; index < 200; index++)
        {
            Assert.True(TlpView.TryParse(tlps[index], out TlpView view));
            Assert.Equal(16, view.Payload.Length);
            Assert.Equal(index, BinaryPrimitives.ReadInt32LittleEndian(view.Payload));
        }
    }

    [Fact]
    public void Completion_AfterAWrite_NeverPassesIt()
    {
        _harness.Function.OnMaterialize = WritePattern(0x1_0000_0000, 64);
        _harness.Function.Ready(1);
        _harness.Bridge.Pump(_harness.Now);
        _harness.Receive("20000001 00180700 00000010 00000040");
        Assert.Equal([TlpType.MemoryWrite64, TlpType.CompletionWithData], _harness.Lane.TakeTlps().Select(tlp => (TlpType)tlp[0]));
    }

    [Fact]
    public void Writer_OutsideItsLimits_IsAProgrammersMistake()
    {
        IDmaWriter? kept = null;
        _harness.Function.OnMaterialize = (_, writer) =>
        {
            kept = writer;
            return MaterializeResult.Completed;
        };
        _harness.Function.Ready(1);
        _harness.Bridge.Pump(_harness.Now);
        Assert.Throws<ArgumentOutOfRangeException>(() => kept!.ReserveWhole(0x1000, 65).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => kept!.ReserveWhole(0x1FFC, 16).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => kept!.Reserve(0x1000, 0).Length);
    }

    [Fact]
    public void Ready_MoreThanTheMaximum_IsAProgrammersMistake()
    {
        BridgeHarness harness = new(new FunctionBridgeOptions { MaximumTransactions = 2 });
        harness.Function.Ready(1);
        harness.Function.Ready(2);
        Assert.Throws<InvalidOperationException>(() => harness.Function.Ready(3));
    }

    [Fact]
    public void Reset_WithTransactionsWaiting_SendsNoneOfThem()
    {
        int calls = 0;
        _harness.Function.OnMaterialize = (_, writer) =>
        {
            calls++;
            return writer.Reserve(0x1000, 1_000_000).IsEmpty ? MaterializeResult.Partial : MaterializeResult.Partial;
        };
        _harness.Function.Ready(1);
        _harness.Bridge.Pump(_harness.Now);
        _harness.Function.Ready(2);
        _harness.Bridge.Open(_harness.Lane, FunctionResetKind.Conventional, _harness.Now);
        _harness.Bridge.Pump(_harness.Now);
        Assert.Equal(1, calls);
        Assert.False(_harness.Bridge.HasUnsent);
        Assert.Equal(0, _harness.Bridge.WaitingBytes);
    }

    private static Func<TransactionToken, IDmaWriter, MaterializeResult> WritePattern(ulong address, int length) => (_, writer) =>
    {
        int written = 0;
        while (written < length)
        {
            Span<byte> span = writer.Reserve(address + (uint)written, length - written);
            Assert.False(span.IsEmpty);
            for (int index = 0; index < span.Length; index++)
            {
                span[index] = BridgeHarness.Pattern(address + (uint)(written + index));
            }

            written += span.Length;
        }

        return MaterializeResult.Completed;
    };

    private static void AssertPatternWrites(BridgeHarness harness, ulong address, int length, int maximumPayload)
    {
        ulong expected = address;
        foreach (byte[] tlp in harness.Lane.TakeTlps())
        {
            Assert.True(TlpView.TryParse(tlp, out TlpView view));
            Assert.True(view.Type.IsMemoryWrite);
            Assert.InRange(view.Payload.Length, 4, maximumPayload);
            int first = view.ByteEnables.FirstByteOffset;
            int count = view.ByteEnables.ByteCount(view.LengthDoublewords);
            Assert.Equal(expected, view.Address + (uint)first);
            for (int index = 0; index < view.Payload.Length; index++)
            {
                bool isEnabled = index >= first && index < first + count;
                Assert.Equal(isEnabled ? BridgeHarness.Pattern(view.Address + (uint)index) : 0, view.Payload[index]);
            }

            expected += (uint)count;
        }

        Assert.Equal(address + (uint)length, expected);
    }
}
