using System.Buffers.Binary;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Functions;
using Xunit;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;

/// <summary>A remote function that does what the test says: plain memory for BARs and configuration space, answers when asked to give them.</summary>
internal sealed unsafe class FakeFunction : IRemoteFunction
{
    public const int Bar0Bytes = 0x4000;
    public const int Vectors = 5;
    public const int DoorbellOffset = 0x1000;
    public const int DoorbellCount = 10;

    private readonly List<(int Bar, ulong Offset, int Length, ulong Context)> _reads = [];

    public FakeFunction()
    {
        BinaryPrimitives.WriteUInt32LittleEndian(Configuration, 0x0ABC_5043);
        for (int i = 0; i < Bar0Bytes; i++)
        {
            Bar0[i] = (byte)(i * 7 + (i >> 8));
        }
    }

    public byte[] Configuration { get; } = new byte[4096];

    public byte[] Bar0 { get; } = new byte[Bar0Bytes];

    public List<(int Bar, ulong Offset, byte[] Data)> Writes { get; } = [];

    public List<(int Offset, uint Value, byte Enables)> ConfigurationWrites { get; } = [];

    public Dictionary<ulong, (ulong Length, nint Memory, IDmaMemory? Client, DmaAccess Access)> Window { get; } = [];

    public Dictionary<ulong, byte[]> DmaAnswers { get; } = [];

    public IRemoteFunctionClient? Client { get; private set; }

    public int Attachments { get; private set; }

    public int Detachments { get; private set; }

    public int Resets { get; private set; }

    /// <summary>Reads wait for <see cref="AnswerReads"/>.</summary>
    public bool HoldsReads { get; set; }

    public bool HasNoRoom { get; set; }

    public bool IsTaken { get; set; }

    public bool HoldsResets { get; set; }

    public DmaMapResult? MapsWith { get; set; }

    public RemoteFunctionState State { get; set; } = RemoteFunctionState.Up;

    public BridgeHints Hints { get; } = new() { WriteOnlyRegisters = [new WriteOnlyRegisters(0, DoorbellOffset, DoorbellCount, 4, 4)] };

    public int InterruptVectors => Vectors;

    public int HeldReads => _reads.Count;

    public BarDescription GetBar(int bar) => bar switch
    {
        0 => new BarDescription(Bar0Bytes, true, false),
        _ => default,
    };

    public void Attach(IRemoteFunctionClient client)
    {
        if (IsTaken || Client is not null)
        {
            throw new InvalidOperationException("Another client is attached.");
        }

        Client = client;
        Attachments++;
    }

    public void Detach(long now)
    {
        Client = null;
        _reads.Clear();
        Window.Clear();
        Detachments++;
    }

    public uint ReadConfig(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(Configuration.AsSpan(offset));

    public bool TryWriteConfig(int offset, uint value, byte byteEnables, long now)
    {
        if (HasNoRoom)
        {
            return false;
        }

        ConfigurationWrites.Add((offset, value, byteEnables));
        return true;
    }

    public bool TryReadRegion(int bar, ulong offset, int length, ulong context, long now)
    {
        if (HasNoRoom)
        {
            return false;
        }

        if (offset / 4096 != (offset + (ulong)length - 1) / 4096)
        {
            throw new ArgumentException("A read crosses a boundary of 4 KiB."); // no Assert: that would allocate
        }

        _reads.Add((bar, offset, length, context));
        return true;
    }

    public bool TryWriteRegion(int bar, ulong offset, ReadOnlySpan<byte> data, long now)
    {
        if (HasNoRoom)
        {
            return false;
        }

        if (RecordsWrites)
        {
            Assert.Equal(offset / 4096, (offset + (ulong)data.Length - 1) / 4096);
            Writes.Add((bar, offset, data.ToArray()));
        }

        data.CopyTo(Bar0.AsSpan((int)offset));
        return true;
    }

    /// <summary>Each mark, and how many writes came before it.</summary>
    public List<(uint Name, int WritesBefore)> Marks { get; } = [];

    public bool TryMark(uint name)
    {
        Marks.Add((name, Writes.Count));
        return true;
    }

    /// <summary>Off where allocations are counted.</summary>
    public bool RecordsWrites { get; set; } = true;

    public DmaMapResult Map(ulong address, ulong length, nint memory, DmaAccess access) => Map(address, (length, memory, null, access));

    public DmaMapResult Map(ulong address, ulong length, IDmaMemory memory, DmaAccess access) => Map(address, (length, 0, memory, access));

    public DmaMapResult Unmap(ulong address, ulong length)
    {
        if (!Window.TryGetValue(address, out var range) || range.Length != length)
        {
            return DmaMapResult.NotFound;
        }

        Window.Remove(address);
        return DmaMapResult.Success;
    }

    public void UnmapAll() => Window.Clear();

    public void CompleteDmaRead(DmaReadTicket ticket, ReadOnlySpan<byte> data, long now) => DmaAnswers.Add(ticket.Value, data.ToArray());

    public void StartReset(long now)
    {
        Resets++;
        if (!HoldsResets)
        {
            Client!.OnResetCompleted(true, now);
        }
    }

    /// <summary>Answers the reads that wait, as the bridge does at the start of a poll round.</summary>
    public void AnswerReads(RegionReadStatus status, long now)
    {
        for (int count = _reads.Count; count > 0 && Client is not null; count--)
        {
            var (_, offset, length, context) = _reads[0];
            _reads.RemoveAt(0);
            Client.OnRegionRead(context, status, Bar0.AsSpan((int)offset, length), now);
        }
    }

    /// <summary>The mapped memory at a bus address.</summary>
    public Span<byte> Memory(ulong address, int length)
    {
        foreach (var (start, range) in Window)
        {
            if (address >= start && address - start < range.Length && range.Memory != 0)
            {
                return new Span<byte>((byte*)range.Memory + (address - start), length);
            }
        }

        throw new InvalidOperationException("Not mapped.");
    }

    private DmaMapResult Map(ulong address, (ulong Length, nint Memory, IDmaMemory? Client, DmaAccess Access) range)
    {
        if (MapsWith is { } result)
        {
            return result;
        }

        bool overlaps = Window.Any(other => address < other.Key + other.Value.Length && other.Key < address + range.Length);
        if (overlaps)
        {
            return DmaMapResult.Overlap;
        }

        Window.Add(address, range);
        return DmaMapResult.Success;
    }
}
