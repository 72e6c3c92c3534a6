using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>The admin commands that bring a controller up (NVMe 1.4, section 5), with one page for what Identify returns.</summary>
internal sealed unsafe class AdminCommands
{
    /// <summary>The queue lies in one piece; a completion queue is polled, without interrupts.</summary>
    private const uint PhysicallyContiguous = 1;

    private readonly DmaPool _pool;
    private readonly AdminQueue _queue;
    private readonly nint _page;

    public AdminCommands(DmaPool pool, AdminQueue queue)
    {
        _pool = pool;
        _queue = queue;
        if (!pool.TryAllocate(DmaPool.PageBytes, out _page))
        {
            throw new InsufficientMemoryException("The driver's pool is too small.");
        }
    }

    public bool HasRoom => _queue.HasRoom;

    /// <summary>What the last Identify returned, once it has completed.</summary>
    public ReadOnlySpan<byte> Page => new((void*)_page, DmaPool.PageBytes);

    /// <summary>Queues the command; returns its identifier, as all of them do. The caller has seen that there <see cref="HasRoom"/>.</summary>
    public ushort Identify(IdentifyCns cns, uint namespaceId = 0)
    {
        ref SubmissionEntry entry = ref _queue.Add(AdminOpcode.Identify, out ushort commandId);
        entry.NamespaceId = namespaceId;
        entry.Prp1 = _pool.BusAddress(_page);
        entry.CommandDword10 = (uint)cns;
        return commandId;
    }

    /// <summary>Asks for as many submission as completion queues.</summary>
    public ushort SetQueueCount(int count)
    {
        ref SubmissionEntry entry = ref _queue.Add(AdminOpcode.SetFeatures, out ushort commandId);
        entry.CommandDword10 = (uint)FeatureId.NumberOfQueues;
        entry.CommandDword11 = (uint)(count - 1 | count - 1 << 16);
        return commandId;
    }

    public ushort CreateCompletionQueue(QueuePair queue, int entries) =>
        Create(AdminOpcode.CreateCompletionQueue, queue, entries, PhysicallyContiguous, queue.CompletionAddress);

    public ushort CreateSubmissionQueue(QueuePair queue, int entries)
    {
        ulong address = queue.ControllerPlace?.CommandAddress ?? queue.SubmissionAddress;
        return Create(AdminOpcode.CreateSubmissionQueue, queue, entries, PhysicallyContiguous | (uint)queue.Id << 16, address);
    }

    private ushort Create(AdminOpcode opcode, QueuePair queue, int entries, uint attributes, ulong address)
    {
        ref SubmissionEntry entry = ref _queue.Add(opcode, out ushort commandId);
        entry.Prp1 = address;
        entry.CommandDword10 = (uint)queue.Id | (uint)(entries - 1) << 16;
        entry.CommandDword11 = attributes;
        return commandId;
    }
}
