using System.Buffers.Binary;
using System.Runtime.InteropServices;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>
/// Takes the controller from any state to one with I/O queues: disable, admin queue, enable, identify, queue count, create queues, as
/// Linux does, with submission queues in the controller's memory where it has some. One request at a time; nothing of it is on the hot path.
/// </summary>
internal sealed class ControllerBringUp
{
    private const long PollNanoseconds = 100_000;
    private const long NanosecondsPerMillisecond = 1_000_000;
    private const int MinimumReadyMilliseconds = 2_000;

    private readonly IRemoteFunction _function;
    private readonly NvmeDriverOptions _options;
    private readonly AdminQueue _admin;
    private readonly AdminCommands _commands;
    private readonly NamespaceScan _namespaces = new();
    private readonly QueuePair[] _queues;
    private readonly ControllerMemory _memory;
    private readonly ulong _readContext;
    private readonly int _commandCapacity;
    private ControllerCapabilities _capabilities;
    private RegionPlace _listPlace;
    private uint _generation;
    private int _index;
    private bool _isWaiting;
    private bool _hasFailed;
    private bool _isDone;
    private ushort _commandId;
    private long _stepDeadline;
    private long _pollAt;

    /// <param name="readContext">Marks register reads of this object in its upper half.</param>
    public ControllerBringUp(
        IRemoteFunction function, NvmeDriverOptions options, DmaPool pool, AdminQueue admin, QueuePair[] queues, ControllerMemory memory,
        int commandCapacity, uint readContext)
    {
        _function = function;
        _options = options;
        _admin = admin;
        _commands = new AdminCommands(pool, admin);
        _queues = queues;
        _memory = memory;
        _commandCapacity = commandCapacity;
        _readContext = (ulong)readContext << 32;
    }

    public BringUpStep Step { get; private set; }

    public bool IsActive => Step != BringUpStep.Idle;

    /// <summary>Queue pairs that the controller granted.</summary>
    public int ActiveQueues { get; private set; }

    public int QueueEntries { get; private set; }

    public int MaximumTransferBytes { get; private set; }

    public bool HasSgl { get; private set; }

    public bool ListsInControllerMemory { get; private set; }

    /// <summary>Where PRP lists lie then, one for each command slot.</summary>
    public RegionPlace ListPlace => _listPlace;

    /// <summary>ONCS.</summary>
    public ushort OptionalCommands { get; private set; }

    public bool HasVolatileWriteCache { get; private set; }

    public IReadOnlyList<NamespaceInfo> Namespaces { get; private set; } = [];

    public long NextDeadline => Step == BringUpStep.Idle ? long.MaxValue : Math.Min(_stepDeadline, _isWaiting ? long.MaxValue : _pollAt);

    private int CompletionEntries => Math.Min(QueueEntries * 2, _capabilities.MaximumQueueEntries);

    public void Begin(long now)
    {
        // What is still on its way belongs to the attempt before.
        _generation++;
        Enter(BringUpStep.ReadCapabilities, now);
    }

    public void Stop() => Step = BringUpStep.Idle;

    /// <summary>True if a region read with this context is one of this object's.</summary>
    public bool Owns(ulong context) => context >> 32 == _readContext >> 32;

    public BringUpOutcome Advance(long now)
    {
        while (Step != BringUpStep.Idle)
        {
            if (_isDone || _hasFailed || now >= _stepDeadline)
            {
                Step = BringUpStep.Idle;
                return _isDone ? BringUpOutcome.Succeeded : BringUpOutcome.Failed;
            }

            if (_isWaiting || now < _pollAt || !TryDoStep(now))
            {
                return BringUpOutcome.None;
            }
        }

        return BringUpOutcome.None;
    }

    public void OnRegisterRead(ulong context, RegionReadStatus status, ReadOnlySpan<byte> data, long now)
    {
        if (!_isWaiting || (uint)context != _generation)
        {
            return;
        }

        _isWaiting = false;
        if (status != RegionReadStatus.Success)
        {
            // Not the controller's own word: the caller tries again once the function is there.
            _hasFailed = true;
            return;
        }

        switch (Step)
        {
            case BringUpStep.ReadCapabilities:
                OnCapabilities(new ControllerCapabilities(BinaryPrimitives.ReadUInt64LittleEndian(data)), now);
                break;
            case BringUpStep.ReadMemoryBuffer:
                OnMemoryBuffer(data, now);
                break;
            case BringUpStep.WaitDisabled or BringUpStep.WaitReady:
                OnStatus(new ControllerStatus(BinaryPrimitives.ReadUInt32LittleEndian(data)), now);
                break;
        }
    }

    public void OnAdminCompleted(in CompletionEntry entry, long now)
    {
        if (!_isWaiting || entry.CommandId != _commandId)
        {
            return;
        }

        _isWaiting = false;
        if (entry.Status != NvmeStatus.Success)
        {
            _hasFailed = true;
            return;
        }

        switch (Step)
        {
            case BringUpStep.IdentifyController:
                OnController(in MemoryMarshal.AsRef<IdentifyController>(_commands.Page), now);
                break;
            case BringUpStep.ListNamespaces:
                _namespaces.OnList(_commands.Page);
                EnterNextNamespace(now);
                break;
            case BringUpStep.IdentifyNamespace:
                _namespaces.OnNamespace(in MemoryMarshal.AsRef<IdentifyNamespace>(_commands.Page));
                EnterNextNamespace(now);
                break;
            case BringUpStep.SetQueueCount:
                ActiveQueues = Math.Min(_queues.Length, (int)Math.Min(entry.Result & 0xFFFF, entry.Result >> 16) + 1);
                PlaceQueues(now);
                break;
            case BringUpStep.CreateCompletionQueue:
                Enter(BringUpStep.CreateSubmissionQueue, now, _index);
                break;
            case BringUpStep.CreateSubmissionQueue when _index + 1 < ActiveQueues:
                Enter(BringUpStep.CreateCompletionQueue, now, _index + 1);
                break;
            case BringUpStep.CreateSubmissionQueue:
                Namespaces = _namespaces.ToArray();
                _isDone = true;
                break;
        }
    }

    private void Enter(BringUpStep step, long now, int index = 0)
    {
        Step = step;
        _index = index;
        _isWaiting = false;
        _hasFailed = false;
        _isDone = false;
        _pollAt = now;
        int milliseconds = step is BringUpStep.WaitDisabled or BringUpStep.WaitReady
            ? Math.Max(MinimumReadyMilliseconds, _capabilities.TimeoutHalfSeconds * 500)
            : _options.AdminTimeoutMilliseconds;
        _stepDeadline = now + milliseconds * NanosecondsPerMillisecond;
    }

    /// <summary>Starts the step. False: the lane is full for now.</summary>
    private bool TryDoStep(long now)
    {
        switch (Step)
        {
            case BringUpStep.ReadCapabilities:
                return TryRead(NvmeRegister.Capabilities, sizeof(ulong), now);
            case BringUpStep.Disable:
                return TryWrite32(NvmeRegister.Configuration, 0, now) && Next(BringUpStep.WaitDisabled, now);
            case BringUpStep.WaitDisabled or BringUpStep.WaitReady:
                return TryRead(NvmeRegister.Status, sizeof(uint), now);
            case BringUpStep.ShowMemoryBuffer:
                return TryWrite64(NvmeRegister.MemoryBufferControl, MemoryBufferControl.CapabilitiesEnabledBit, now) && Next(BringUpStep.ReadMemoryBuffer, now);
            case BringUpStep.ReadMemoryBuffer:
                return TryRead(NvmeRegister.MemoryBufferLocation, 2 * sizeof(uint), now);
            case BringUpStep.PlaceMemoryBuffer:
                ulong control = ControllerMemory.CommandBase | MemoryBufferControl.CapabilitiesEnabledBit | MemoryBufferControl.MemorySpaceEnabledBit;
                return TryWrite64(NvmeRegister.MemoryBufferControl, control, now) && Next(BringUpStep.Enable, now);
            case BringUpStep.Enable:
                return TryEnable(now);
            default:
                return TrySendAdmin();
        }
    }

    private bool Next(BringUpStep step, long now)
    {
        Enter(step, now);
        return true;
    }

    private void OnCapabilities(ControllerCapabilities capabilities, long now)
    {
        _capabilities = capabilities;
        QueueEntries = Math.Min(_options.QueueEntries, capabilities.MaximumQueueEntries);
        _hasFailed = capabilities.Value is 0 or ulong.MaxValue || capabilities.MinimumPageBytes > DmaPool.PageBytes || QueueEntries < 2;
        if (!_hasFailed)
        {
            Enter(BringUpStep.Disable, now);
        }
    }

    private void OnStatus(ControllerStatus status, long now)
    {
        bool isWanted = Step == BringUpStep.WaitReady;
        if (isWanted && status.IsFatal)
        {
            _hasFailed = true;
        }
        else if (status.IsReady != isWanted)
        {
            _pollAt = now + PollNanoseconds;
        }
        else if (isWanted)
        {
            Enter(BringUpStep.IdentifyController, now);
        }
        else
        {
            _memory.Clear();
            bool wantsBuffer = _options.SubmissionQueuesInControllerMemory || _options.WriteDataInControllerMemoryBytes > 0;
            Enter(_capabilities.MemoryBufferSupported && wantsBuffer ? BringUpStep.ShowMemoryBuffer : BringUpStep.Enable, now);
        }
    }

    private void OnMemoryBuffer(ReadOnlySpan<byte> data, long now)
    {
        MemoryBufferLocation location = new(BinaryPrimitives.ReadUInt32LittleEndian(data));
        MemoryBufferSize size = new(BinaryPrimitives.ReadUInt32LittleEndian(data[sizeof(uint)..]));
        _memory.Configure(_function, location, size, _options);
        ListsInControllerMemory = size.Lists;
        Enter(_memory.Exists ? BringUpStep.PlaceMemoryBuffer : BringUpStep.Enable, now);
    }

    private bool TryEnable(long now)
    {
        _admin.Reset(_capabilities.DoorbellStrideExponent);
        uint attributes = AdminQueue.Entries - 1 | (AdminQueue.Entries - 1) << 16;
        return TryWrite32(NvmeRegister.AdminQueueAttributes, attributes, now)
            && TryWrite64(NvmeRegister.AdminSubmissionQueue, _admin.SubmissionAddress, now)
            && TryWrite64(NvmeRegister.AdminCompletionQueue, _admin.CompletionAddress, now)
            && TryWrite32(NvmeRegister.Configuration, ControllerConfiguration.Default.Value, now)
            && Next(BringUpStep.WaitReady, now);
    }

    private bool TrySendAdmin()
    {
        if (!_commands.HasRoom)
        {
            return false;
        }

        _commandId = Step switch
        {
            BringUpStep.IdentifyController => _commands.Identify(IdentifyCns.Controller),
            BringUpStep.ListNamespaces => _commands.Identify(IdentifyCns.ActiveNamespaceList),
            BringUpStep.IdentifyNamespace => _commands.Identify(IdentifyCns.Namespace, _namespaces.Next),
            BringUpStep.SetQueueCount => _commands.SetQueueCount(_queues.Length),
            BringUpStep.CreateCompletionQueue => _commands.CreateCompletionQueue(_queues[_index], CompletionEntries),
            _ => _commands.CreateSubmissionQueue(_queues[_index], QueueEntries),
        };
        _isWaiting = true;
        return true;
    }

    private void OnController(in IdentifyController controller, long now)
    {
        long limit = controller.MaximumDataTransferSize is 0 or > 20 ? int.MaxValue : (long)_capabilities.MinimumPageBytes << controller.MaximumDataTransferSize;
        MaximumTransferBytes = (int)Math.Min(limit, Math.Min(_options.MaximumTransferBytes, DataPointers.MaximumBytes));
        HasSgl = _options.UseSgl && (controller.SglSupport & 3) != 0;
        OptionalCommands = controller.OptionalNvmCommands;
        HasVolatileWriteCache = (controller.VolatileWriteCache & 1) != 0;
        Enter(BringUpStep.ListNamespaces, now);
    }

    private void EnterNextNamespace(long now) =>
        Enter(_namespaces.HasNext ? BringUpStep.IdentifyNamespace : BringUpStep.SetQueueCount, now);

    private void PlaceQueues(long now)
    {
        for (int index = 0; index < ActiveQueues; index++)
        {
            RegionPlace? place = null;
            if (_memory.TakesSubmissionQueues && _memory.TryTake(QueueEntries * SubmissionEntry.SizeBytes, out RegionPlace taken))
            {
                place = taken;
            }

            _queues[index].Reset(QueueEntries, CompletionEntries, place, _capabilities.DoorbellStrideExponent);
        }

        if (ListsInControllerMemory)
        {
            ListsInControllerMemory = !HasSgl && _memory.TryTake(_commandCapacity * DataPointers.ListBytes, out _listPlace);
        }

        _memory.DivideRest(_commandCapacity);
        Enter(BringUpStep.CreateCompletionQueue, now);
    }

    private bool TryRead(int register, int bytes, long now)
    {
        _isWaiting = _function.TryReadRegion(bar: 0, (ulong)register, bytes, _readContext | _generation, now);
        return _isWaiting;
    }

    private bool TryWrite32(int register, uint value, long now) =>
        _function.TryWriteRegion(bar: 0, (ulong)register, MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in value)), now);

    private bool TryWrite64(int register, ulong value, long now) =>
        _function.TryWriteRegion(bar: 0, (ulong)register, MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value)), now);
}
