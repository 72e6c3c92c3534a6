using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Pcie;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Tests.Harness;

/// <summary>
/// A host that costs next to nothing and allocates nothing: for measurements of the function alone. One I/O queue pair without
/// interrupts; DMA is a copy within this process. Also compiled into the benchmarks.
/// </summary>
internal sealed class QuietHost : IFunctionHost, IDmaWriter
{
    public const int QueueEntries = 256;
    public const ulong DataAddress = MemoryBase + 0x10_0000;

    private const ulong MemoryBase = 0x1_0000_0000;
    private const ulong Bar0 = 0x40_0000_0000;
    private const ulong Bar2 = 0x50_0000_0000;
    private const ulong BufferBase = 0x9_0000_0000;
    private const ulong AdminSubmission = MemoryBase;
    private const ulong AdminCompletion = MemoryBase + 0x1000;
    private const ulong IoCompletion = MemoryBase + 0x2000;
    private const ulong IoSubmission = MemoryBase + 0x8000;
    private const ulong Lists = MemoryBase + 0x2_0000;
    private const int RingSize = 1024;

    private readonly byte[] _memory = GC.AllocateUninitializedArray<byte>(4 << 20, pinned: true);
    private readonly (ulong Address, int Length, DmaReadId Id)[] _reads = new (ulong, int, DmaReadId)[RingSize];
    private readonly TransactionToken[] _ready = new TransactionToken[RingSize];
    private readonly byte[] _word = new byte[8];
    private readonly byte[] _entry = new byte[SubmissionEntry.SizeBytes];
    private int _readHead;
    private int _readTail;
    private int _readyHead;
    private int _readyTail;
    private NvmeFunction _function = null!;
    private bool _inMemoryBuffer;
    private int _tail;
    private int _head;
    private bool _phase = true;
    private long _now = 1;

    /// <summary>Commands of the I/O queue completed so far, all of them well.</summary>
    public long Completions { get; private set; }

    public ulong CurrentOrigin => 1;

    /// <summary>Enables the controller and creates I/O queue pair 1.</summary>
    public void Start(NvmeFunction function, bool inMemoryBuffer)
    {
        _memory.AsSpan().Clear();
        _function = function;
        _inMemoryBuffer = inMemoryBuffer;
        function.Attach(this);
        function.WriteConfig(0x10, 0, 0xF, _now);
        function.WriteConfig(0x14, (uint)(Bar0 >> 32), 0xF, _now);
        function.WriteConfig(0x18, 0, 0xF, _now);
        function.WriteConfig(0x1C, (uint)(Bar2 >> 32), 0xF, _now);
        function.WriteConfig(0x04, 6, 0xF, _now);
        Write(Bar0 + NvmeRegister.AdminQueueAttributes, 15 << 16 | 15, 4);
        Write(Bar0 + NvmeRegister.AdminSubmissionQueue, AdminSubmission, 8);
        Write(Bar0 + NvmeRegister.AdminCompletionQueue, AdminCompletion, 8);
        Write(Bar0 + NvmeRegister.MemoryBufferControl, BufferBase | 3, 8);
        Write(Bar0 + NvmeRegister.Configuration, ControllerConfiguration.Default.Value, 4);
        const uint Shape = (QueueEntries - 1) << 16 | 1;
        RunAdmin(0, new SubmissionEntry { Opcode = (byte)AdminOpcode.CreateCompletionQueue, Prp1 = IoCompletion, CommandDword10 = Shape, CommandDword11 = 1 });
        RunAdmin(1, new SubmissionEntry
        {
            Opcode = (byte)AdminOpcode.CreateSubmissionQueue,
            Prp1 = inMemoryBuffer ? BufferBase : IoSubmission,
            CommandDword10 = Shape,
            CommandDword11 = 1 << 16 | 1,
        });

        for (int i = 0; i < 15; i++)
        {
            BitConverter.TryWriteBytes(Memory(Lists + (ulong)i * 8, 8), DataAddress + (ulong)(i + 1) * 8192);
        }
    }

    /// <summary>One command out of a rotation that covers all ways of data, from entry to completion.</summary>
    public void RunOne(int index)
    {
        SubmissionEntry entry = new() { NamespaceId = 1, StartingLba = (ulong)(index & 1023) * 8, CommandDword12 = 7, Prp1 = DataAddress };
        switch (index % 6)
        {
            case 0:
                entry.Opcode = (byte)NvmOpcode.Read;
                break;
            case 1:
                entry.Opcode = (byte)NvmOpcode.Write;
                break;
            case 2:
                entry.Opcode = (byte)NvmOpcode.Write;
                entry.Prp1 = BufferBase + 0x1_0000;
                break;
            case 3:
                // 64 KiB with a PRP list.
                entry.Opcode = (byte)NvmOpcode.Read;
                entry.CommandDword12 = 127;
                entry.Prp2 = Lists;
                break;
            case 4:
                entry.Opcode = (byte)NvmOpcode.Flush;
                break;
            default:
                entry.Opcode = (byte)NvmOpcode.Compare;
                entry.StartingLba = 16000;
                entry.Prp1 = DataAddress + 0x20_0000;
                entry.DataPointer = DataPointerKind.Sgl;
                entry.Sgl = SglDescriptor.Create(SglType.DataBlock, DataAddress + 0x20_0000, 4096);
                break;
        }

        Put(in entry);
        Ring();
        Finish(1);
    }

    /// <summary>Reads of 4 KiB, submitted together and completed.</summary>
    public void RunReads(int count, uint lba)
    {
        SubmissionEntry entry = new() { Opcode = (byte)NvmOpcode.Read, NamespaceId = 1, CommandDword12 = 7, Prp1 = DataAddress };
        for (int i = 0; i < count; i++)
        {
            entry.StartingLba = (lba + (uint)i) * 8 & 0x3FFF;
            Put(in entry);
        }

        Ring();
        Finish(count);
    }

    /// <summary>Writes of 4 KiB, whose data lies in the controller memory buffer or is fetched.</summary>
    public void RunWrites(int count, uint lba, bool dataInMemoryBuffer)
    {
        SubmissionEntry entry = new()
        {
            Opcode = (byte)NvmOpcode.Write,
            NamespaceId = 1,
            CommandDword12 = 7,
            Prp1 = dataInMemoryBuffer ? BufferBase + 0x1_0000 : DataAddress,
        };
        for (int i = 0; i < count; i++)
        {
            entry.StartingLba = (lba + (uint)i) * 8 & 0x3FFF;
            Put(in entry);
        }

        Ring();
        Finish(count);
    }

    public bool TryRead(ulong address, int length, DmaReadId id)
    {
        _reads[_readTail++ % RingSize] = (address, length, id);
        return true;
    }

    public Admission Submit(in AdmissionRequest request, long now) => Admission.StartNow(now);

    public void Ready(in ReadyTransaction transaction) => _ready[_readyTail++ % RingSize] = transaction.Token;

    public Span<byte> Reserve(ulong address, int length) => Memory(address, length);

    public Span<byte> ReserveWhole(ulong address, int length) => Memory(address, length);

    private void Put(in SubmissionEntry entry)
    {
        if (_inMemoryBuffer)
        {
            MemoryMarshal.Write(_entry, in entry);
            _function.TryWriteMemory(Bar2 + (ulong)_tail * 64, _entry, _now);
        }
        else
        {
            MemoryMarshal.Write(Memory(IoSubmission + (ulong)_tail * 64, 64), in entry);
        }

        _tail = (_tail + 1) % QueueEntries;
    }

    private void Ring() => Write(Bar0 + 0x1008, (ulong)_tail, 4);

    private void Finish(int count)
    {
        while (count > 0)
        {
            Work();
            int before = count;
            while (count > 0 && MemoryMarshal.Read<CompletionEntry>(Memory(IoCompletion + (ulong)_head * 16, 16)) is var entry && entry.Phase == _phase)
            {
                if (entry.Status != NvmeStatus.Success)
                {
                    throw new InvalidOperationException($"A command ended with {entry.Status}.");
                }

                count--;
                Completions++;
                _head = (_head + 1) % QueueEntries;
                _phase ^= _head == 0;
            }

            if (before == count)
            {
                _now = Math.Max(_now + 1, _function.NextDeadline == long.MaxValue ? 0 : _function.NextDeadline);
            }
        }

        Write(Bar0 + 0x100C, (ulong)_head, 4);
    }

    private void Work()
    {
        while (_readHead != _readTail)
        {
            (ulong address, int length, DmaReadId id) = _reads[_readHead++ % RingSize];
            _function.OnReadData(id, 0, Memory(address, length), _now);
            _function.OnReadCompleted(id, DmaReadStatus.Success, _now);
        }

        while (_readyHead != _readyTail)
        {
            _function.Materialize(_ready[_readyHead++ % RingSize], this, _now);
        }

        if (_function.NeedsPolling || _function.NextDeadline <= _now)
        {
            _function.OnTimer(_now);
        }
    }

    private void RunAdmin(int index, SubmissionEntry entry)
    {
        MemoryMarshal.Write(Memory(AdminSubmission + (ulong)index * 64, 64), in entry);
        Write(Bar0 + 0x1000, (ulong)index + 1, 4);
        Work();
        if (MemoryMarshal.Read<CompletionEntry>(Memory(AdminCompletion + (ulong)index * 16, 16)) is not { Phase: true, Status: NvmeStatus.Success })
        {
            throw new InvalidOperationException("An admin command failed.");
        }
    }

    private Span<byte> Memory(ulong address, int length) => _memory.AsSpan((int)(address - MemoryBase), length);

    private void Write(ulong address, ulong value, int bytes)
    {
        BitConverter.TryWriteBytes(_word, value);
        _function.TryWriteMemory(address, _word.AsSpan(0, bytes), _now);
    }
}
