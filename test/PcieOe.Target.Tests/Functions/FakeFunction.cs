using System.Buffers.Binary;
using PcieOe.Protocol.Functions;
using Xunit;

namespace PcieOe.Target.Tests.Functions;

/// <summary>A function with a PCI Express capability, 64 KiB of memory at <see cref="Bar"/>, and a script for what it writes.</summary>
internal sealed class FakeFunction : IPcieFunction
{
    public const ulong Bar = 0x10_0000_0000;
    public const int CapabilityOffset = 0x70;
    public const int DeviceControlOffset = CapabilityOffset + 8;

    public byte[] Config { get; } = new byte[4096];

    public byte[] Memory { get; } = new byte[65536];

    public List<string> Log { get; } = [];

    /// <summary>Off where a test counts allocations.</summary>
    public bool IsLogging { get; set; } = true;

    public bool IsMemoryEnabled { get; set; } = true;

    /// <summary>MPS and MRRS after a reset; as the root complex would set them.</summary>
    public uint DeviceControl { get; set; } = 5 << 5 | 5 << 12;

    /// <summary>Changes configuration space after each reset.</summary>
    public Action<byte[]> PatchConfig { get; set; } = _ => { };

    public Func<TransactionToken, IDmaWriter, MaterializeResult> OnMaterialize { get; set; } = (_, _) => MaterializeResult.Completed;

    public Action<DmaReadId, DmaReadStatus> OnReadEnded { get; set; } = (_, _) => { };

    public Action<TransactionToken> OnStart { get; set; } = _ => { };

    /// <summary>As OnStart, with the deadline.</summary>
    public Action<TransactionToken, long> OnAdmit { get; set; } = (_, _) => { };

    /// <summary>What DMA reads have brought, by id.</summary>
    public Dictionary<ulong, byte[]> ReadBuffers { get; } = [];

    /// <summary>Commands that have been aborted.</summary>
    public HashSet<ulong> Gone { get; } = [];

    public IFunctionHost Host { get; private set; } = null!;

    public long NextDeadline { get; set; } = long.MaxValue;

    public void Attach(IFunctionHost host) => Host = host;

    public uint ReadConfig(int offset)
    {
        Assert.True(offset is >= 0 and <= 4092 && offset % 4 == 0);
        return BinaryPrimitives.ReadUInt32LittleEndian(Config.AsSpan(offset));
    }

    public void WriteConfig(int offset, uint value, byte byteEnables, long now)
    {
        Write($"config {offset:x} {value:x8} {byteEnables:x}");
        for (int index = 0; index < 4; index++)
        {
            if ((byteEnables >> index & 1) != 0)
            {
                Config[offset + index] = (byte)(value >> index * 8);
            }
        }
    }

    public bool TryReadMemory(ulong address, Span<byte> destination, long now)
    {
        Write($"read {address - Bar:x} {destination.Length}");
        if (!Claims(address, destination.Length))
        {
            return false;
        }

        Memory.AsSpan((int)(address - Bar), destination.Length).CopyTo(destination);
        return true;
    }

    public bool TryWriteMemory(ulong address, ReadOnlySpan<byte> data, long now)
    {
        Write($"write {address - Bar:x} {data.Length}");
        if (!Claims(address, data.Length))
        {
            return false;
        }

        data.CopyTo(Memory.AsSpan((int)(address - Bar)));
        return true;
    }

    public void Reset(FunctionResetKind kind, long now)
    {
        Write($"reset {kind}");
        Array.Clear(Config);
        BinaryPrimitives.WriteUInt32LittleEndian(Config, 0x5678_1234);
        Config[0x34] = 0x40;
        Config[0x40] = 0x01;
        Config[0x41] = CapabilityOffset;
        Config[CapabilityOffset] = 0x10;
        BinaryPrimitives.WriteUInt32LittleEndian(Config.AsSpan(DeviceControlOffset), DeviceControl);
        PatchConfig(Config);
    }

    public void OnReadData(DmaReadId id, int offset, ReadOnlySpan<byte> data, long now) => data.CopyTo(ReadBuffers[id.Value].AsSpan(offset));

    public void OnReadCompleted(DmaReadId id, DmaReadStatus status, long now)
    {
        Write($"done {id.Value} {status}");
        OnReadEnded(id, status);
    }

    public void OnReadRoom(long now) => Write("room");

    public bool OnAdmitted(TransactionToken token, long deadlineNanoseconds, long now)
    {
        if (Gone.Contains(token.Value))
        {
            return false;
        }

        if (IsLogging)
        {
            Write($"admitted {token.Value}");
        }

        OnStart(token);
        OnAdmit(token, deadlineNanoseconds);
        return true;
    }

    public MaterializeResult Materialize(TransactionToken token, IDmaWriter writer, long now) => OnMaterialize(token, writer);

    public void OnTimer(long now)
    {
        Write("timer");
        NextDeadline = long.MaxValue;
    }

    /// <summary>Asks for a read into a buffer of its own.</summary>
    public bool TryRead(ulong id, ulong address, int length)
    {
        byte[] buffer = new byte[length];
        Array.Fill(buffer, (byte)0xA5);
        if (!Host.TryRead(address, length, new DmaReadId(id)))
        {
            return false;
        }

        ReadBuffers[id] = buffer;
        return true;
    }

    public void Ready(ulong token, long deadline = long.MaxValue, int bytes = 32) =>
        Host.Ready(new ReadyTransaction { Token = new TransactionToken(token), DeadlineNanoseconds = deadline, BytesToWrite = bytes });

    private bool Claims(ulong address, int length) =>
        IsMemoryEnabled && address >= Bar && address - Bar <= (ulong)(Memory.Length - length);

    private void Write(string line)
    {
        if (IsLogging)
        {
            Log.Add(line);
        }
    }
}
