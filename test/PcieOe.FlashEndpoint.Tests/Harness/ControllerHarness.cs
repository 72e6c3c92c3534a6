using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Media.Memory;
using PcieOe.FlashEndpoint.Pcie;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Tests.Harness;

/// <summary>
/// Drives an NVMe function as a driver would: configuration space, registers, doorbells, queues in host memory or in the controller memory
/// buffer. Time is virtual and jumps to the next deadline.
/// </summary>
internal sealed class ControllerHarness : IDisposable
{
    public const ulong Bar0 = 0x40_0000_0000;
    public const ulong Bar2 = 0x50_0000_0000;

    /// <summary>Where commands see the controller memory buffer; not where its BAR is.</summary>
    public const ulong MemoryBufferBase = 0x9_0000_0000;

    private const int MaximumRounds = 200_000;
    private ushort _nextCommandId = 1;
    private ulong _nextPage = FakeHost.MemoryBase;
    private ulong _nextMemoryBufferPage;

    public ControllerHarness(NvmeOptions? options = null, IBlockMedia? media = null, IFlashTiming? timing = null, int memoryBytes = 4 << 20)
    {
        Options = options ?? MakeOptions();
        Media = media ?? new MemoryMedium(8 << 20);
        Host = new FakeHost(memoryBytes);
        Function = new NvmeFunction(Options, Media, timing ?? NoFlashTiming.Instance);
        Host.Function = Function;
        Function.Attach(Host);
        Admin = null!;
    }

    public NvmeOptions Options { get; }
    public IBlockMedia Media { get; }
    public FakeHost Host { get; }
    public NvmeFunction Function { get; }
    public long Now { get; set; } = 1_000_000;

    /// <summary>Null before the first <see cref="Enable"/>.</summary>
    public TestQueue Admin { get; private set; }

    public static NvmeOptions MakeOptions(int memoryBufferBytes = 0) => new()
    {
        SerialNumber = "TEST0001",
        IoQueuePairs = 8,
        MaximumQueueEntries = 256,
        MaximumOutstandingCommands = 64,
        StagingBuffers = 16,
        MaximumTransferBytes = 128 * 1024,
        MemoryBufferBytes = memoryBufferBytes,
    };

    /// <summary>A controller ready for I/O: enumerated, enabled, one I/O queue pair.</summary>
    public static ControllerHarness Ready(out TestQueue io, NvmeOptions? options = null, IBlockMedia? media = null, IFlashTiming? timing = null,
        bool inMemoryBuffer = false)
    {
        var harness = new ControllerHarness(options, media, timing);
        harness.Enumerate();
        harness.Enable();
        io = harness.CreateQueuePair(1, 64, inMemoryBuffer: inMemoryBuffer);
        return harness;
    }

    public void Enumerate()
    {
        WriteConfig(0x10, unchecked((uint)Bar0));
        WriteConfig(0x14, (uint)(Bar0 >> 32));
        WriteConfig(0x18, unchecked((uint)Bar2));
        WriteConfig(0x1C, (uint)(Bar2 >> 32));
        WriteConfig(0x04, 0x0006);
        for (int i = 0; i <= Options.IoQueuePairs; i++)
        {
            ulong entry = Bar0 + 0x2000 + (ulong)i * 16;
            Write32(entry, (uint)(FakeHost.MessageBase + (ulong)i * 16));
            Write32(entry + 4, 0);
            Write32(entry + 8, 0x100u + (uint)i);
            Write32(entry + 12, 0);
        }

        WriteConfig(0x50, 0x8000_0000);
    }

    public void Enable(int entries = 32)
    {
        ulong submission = Admin?.SubmissionAddress ?? AllocatePages(1);
        ulong completion = Admin?.CompletionAddress ?? AllocatePages(1);
        Write32(Bar0 + NvmeRegister.AdminQueueAttributes, (uint)(entries - 1) << 16 | (uint)(entries - 1));
        Write64(Bar0 + NvmeRegister.AdminSubmissionQueue, submission);
        Write64(Bar0 + NvmeRegister.AdminCompletionQueue, completion);
        if (Options.MemoryBufferBytes != 0)
        {
            Write64(Bar0 + NvmeRegister.MemoryBufferControl, MemoryBufferBase | 3);
        }

        Write32(Bar0 + NvmeRegister.Configuration, ControllerConfiguration.Default.Value);
        Host.Bytes(completion, 4096).Clear();
        Admin = new TestQueue { Id = 0, Entries = entries, SubmissionAddress = submission, CompletionAddress = completion };
        Xunit.Assert.True(Status.IsReady);
    }

    public ControllerStatus Status => new(Read32(Bar0 + NvmeRegister.Status));

    /// <param name="reuse">A queue pair from before a reset, whose memory serves again.</param>
    public TestQueue CreateQueuePair(int id, int entries, bool inMemoryBuffer = false, bool interrupts = true, TestQueue? reuse = null)
    {
        int bytes = entries * 64;
        var queue = new TestQueue
        {
            Id = id,
            Entries = entries,
            SubmissionAddress = reuse?.SubmissionAddress ?? (inMemoryBuffer ? AllocateMemoryBuffer((bytes + 4095) / 4096) : AllocatePages((bytes + 4095) / 4096)),
            CompletionAddress = reuse?.CompletionAddress ?? AllocatePages((entries * 16 + 4095) / 4096),
            IsInMemoryBuffer = inMemoryBuffer,
        };
        Host.Bytes(queue.CompletionAddress, entries * 16).Clear();
        SubmissionEntry create = AdminEntry(AdminOpcode.CreateCompletionQueue);
        create.Prp1 = queue.CompletionAddress;
        create.CommandDword10 = (uint)(entries - 1) << 16 | (uint)id;
        create.CommandDword11 = (uint)id << 16 | (interrupts ? 3u : 1u);
        Xunit.Assert.Equal(NvmeStatus.Success, RunAdmin(create).Status);
        create = AdminEntry(AdminOpcode.CreateSubmissionQueue);
        create.Prp1 = queue.SubmissionAddress;
        create.CommandDword10 = (uint)(entries - 1) << 16 | (uint)id;
        create.CommandDword11 = (uint)id << 16 | 1;
        Xunit.Assert.Equal(NvmeStatus.Success, RunAdmin(create).Status);
        return queue;
    }

    public static SubmissionEntry AdminEntry(AdminOpcode opcode, uint namespaceId = 0) =>
        new() { Opcode = (byte)opcode, NamespaceId = namespaceId };

    public static SubmissionEntry IoEntry(NvmOpcode opcode, ulong lba = 0, int blocks = 1, ulong prp1 = 0, ulong prp2 = 0, uint namespaceId = 1) => new()
    {
        Opcode = (byte)opcode,
        NamespaceId = namespaceId,
        StartingLba = lba,
        CommandDword12 = (uint)(blocks - 1),
        Prp1 = prp1,
        Prp2 = prp2,
    };

    public ulong AllocatePages(int pages)
    {
        ulong address = _nextPage;
        _nextPage += (ulong)pages * 4096;
        return address;
    }

    public ulong AllocateMemoryBuffer(int pages)
    {
        ulong address = MemoryBufferBase + _nextMemoryBufferPage;
        _nextMemoryBufferPage += (ulong)pages * 4096;
        return address;
    }

    /// <summary>Puts an entry into the queue without ringing; its command id.</summary>
    public ushort Put(TestQueue queue, SubmissionEntry entry)
    {
        entry.CommandId = _nextCommandId++;
        ulong address = queue.SubmissionAddress + (ulong)queue.Tail * 64;
        Span<byte> bytes = stackalloc byte[64];
        MemoryMarshal.Write(bytes, in entry);
        if (queue.IsInMemoryBuffer)
        {
            Function.TryWriteMemory(Bar2 + address - MemoryBufferBase, bytes, Now);
        }
        else
        {
            bytes.CopyTo(Host.Bytes(address, 64));
        }

        queue.Tail = (queue.Tail + 1) % queue.Entries;
        return entry.CommandId;
    }

    public void Ring(TestQueue queue) => Write32(Bar0 + (ulong)NvmeRegister.SubmissionDoorbell(queue.Id, 0), (uint)queue.Tail);

    public ushort Submit(TestQueue queue, SubmissionEntry entry)
    {
        ushort id = Put(queue, entry);
        Ring(queue);
        return id;
    }

    /// <summary>Takes the next completion if its phase says that it is new.</summary>
    public bool TryTake(TestQueue queue, out CompletionEntry entry, bool ring = true)
    {
        entry = MemoryMarshal.Read<CompletionEntry>(Host.Bytes(queue.CompletionAddress + (ulong)queue.Head * 16, 16));
        if (entry.Phase != queue.Phase)
        {
            return false;
        }

        queue.Head = (queue.Head + 1) % queue.Entries;
        queue.Phase ^= queue.Head == 0;
        if (ring)
        {
            Write32(Bar0 + (ulong)NvmeRegister.CompletionDoorbell(queue.Id, 0), (uint)queue.Head);
        }

        return true;
    }

    /// <summary>One round of the host's work; false: nothing was to be done.</summary>
    public bool Round()
    {
        bool works = Host.PendingReads > 0 || Host.PendingReady > 0 || Host.Waiting.Count > 0 && !Host.DefersAdmission;
        Host.AnswerReads(Now);
        Host.Materialize(Now);
        if (Function.NeedsPolling || Function.NextDeadline <= Now)
        {
            Function.OnTimer(Now);
            works = true;
        }

        return works;
    }

    /// <summary>Works until nothing is left to do now, without letting time pass.</summary>
    public void Settle()
    {
        for (int i = 0; Round(); i++)
        {
            Xunit.Assert.True(i < MaximumRounds, "The controller never comes to rest.");
        }
    }

    /// <summary>Works, letting time pass, until a completion comes.</summary>
    public CompletionEntry Wait(TestQueue queue)
    {
        for (int i = 0; i < MaximumRounds; i++)
        {
            if (TryTake(queue, out CompletionEntry entry))
            {
                return entry;
            }

            if (!Round())
            {
                Xunit.Assert.True(Function.NextDeadline != long.MaxValue, "Deadlock: a command is outstanding, and nothing will ever happen.");
                Now = Math.Max(Now, Function.NextDeadline);
            }
        }

        throw new InvalidOperationException("No completion came.");
    }

    public CompletionEntry Run(TestQueue queue, SubmissionEntry entry)
    {
        ushort id = Submit(queue, entry);
        CompletionEntry completion = Wait(queue);
        Xunit.Assert.Equal(id, completion.CommandId);
        return completion;
    }

    public CompletionEntry RunAdmin(SubmissionEntry entry) => Run(Admin, entry);

    public uint Read32(ulong address)
    {
        byte[] bytes = new byte[4];
        Xunit.Assert.True(Function.TryReadMemory(address, bytes, Now));
        return BitConverter.ToUInt32(bytes);
    }

    public ulong Read64(ulong address)
    {
        byte[] bytes = new byte[8];
        Xunit.Assert.True(Function.TryReadMemory(address, bytes, Now));
        return BitConverter.ToUInt64(bytes);
    }

    public void Write32(ulong address, uint value) => Function.TryWriteMemory(address, BitConverter.GetBytes(value), Now);

    public void Write64(ulong address, ulong value) => Function.TryWriteMemory(address, BitConverter.GetBytes(value), Now);

    public void WriteConfig(int offset, uint value, byte byteEnables = 0xF) => Function.WriteConfig(offset, value, byteEnables, Now);

    public void Dispose() => Function.Dispose();
}
