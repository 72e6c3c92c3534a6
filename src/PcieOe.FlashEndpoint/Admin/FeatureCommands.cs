using System.Buffers.Binary;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Media;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Admin;

/// <summary>Get Features and Set Features (NVMe 1.4, sections 5.13 and 5.21). Nothing is saveable and nothing specific to a namespace.</summary>
internal sealed unsafe class FeatureCommands(NvmeController controller, IBlockMedia media)
{
    private const uint SaveBit = 1u << 31;
    private const uint ChangeableBit = 1 << 2;
    private const int TimestampBytes = 8;
    private const int HostIdentifierBytes = 16;
    private const uint ExtendedHostIdentifierBit = 1 << 0;

    /// <summary>SMART warnings in bits 7:0, and namespace attribute notices.</summary>
    private const uint SupportedEvents = 0x1FF;

    /// <summary>The burst and three priority weights.</summary>
    private const uint ArbitrationBits = 0xFFFF_FF07;

    private readonly FeatureStore _features = controller.Features;

    public NvmeStatus DecodeSet(Command command)
    {
        if ((command.Entry.CommandDword10 & SaveBit) != 0)
        {
            return NvmeStatus.FeatureIdentifierNotSaveable;
        }

        if (!IsSupported(Feature(command)))
        {
            return NvmeStatus.InvalidField;
        }

        if (command.Entry.NamespaceId is not (0 or SubmissionEntry.AllNamespaces))
        {
            return NvmeStatus.FeatureNotNamespaceSpecific;
        }

        int bytes = DataBytes(command);
        return bytes == 0 ? NvmeStatus.Success : AdminCommands.Moves(command, TransferDirection.FromHost, bytes);
    }

    public NvmeStatus DecodeGet(Command command)
    {
        if (!IsSupported(Feature(command)) || Select(command) > 3)
        {
            return NvmeStatus.InvalidField;
        }

        int bytes = Select(command) == 3 ? 0 : DataBytes(command);
        return bytes == 0 ? NvmeStatus.Success : AdminCommands.Moves(command, TransferDirection.ToHost, bytes);
    }

    public NvmeStatus Set(Command command, long now)
    {
        uint value = command.Entry.CommandDword11;
        switch (Feature(command))
        {
            case FeatureId.Arbitration:
                _features.Arbitration = value & ArbitrationBits;
                return NvmeStatus.Success;
            case FeatureId.PowerManagement:
                // There is one power state.
                return (value & 0x1F) == 0 ? NvmeStatus.Success : NvmeStatus.InvalidField;
            case FeatureId.TemperatureThreshold:
                return SetTemperatureThreshold(value, now);
            case FeatureId.ErrorRecovery:
                const uint DeallocatedErrorBit = 1 << 16;
                if ((value & DeallocatedErrorBit) != 0)
                {
                    return NvmeStatus.InvalidField;
                }

                _features.ErrorRecovery = value & 0xFFFF;
                return NvmeStatus.Success;
            case FeatureId.VolatileWriteCache:
                _features.WriteCacheEnabled = (value & 1) != 0;
                media.IsWriteCacheEnabled = _features.WriteCacheEnabled;
                return NvmeStatus.Success;
            case FeatureId.NumberOfQueues:
                return SetNumberOfQueues(command, value);
            case FeatureId.InterruptCoalescing:
                _features.Coalescing = value & 0xFFFF;
                return NvmeStatus.Success;
            case FeatureId.InterruptVectorConfiguration:
                if ((value & 0xFFFF) >= controller.Interrupts.VectorCount)
                {
                    return NvmeStatus.InvalidField;
                }

                _features.SetCoalescingDisabled((int)(value & 0xFFFF), (value >> 16 & 1) != 0);
                return NvmeStatus.Success;
            case FeatureId.WriteAtomicityNormal:
                _features.WriteAtomicity = value & 1;
                return NvmeStatus.Success;
            case FeatureId.AsynchronousEventConfiguration:
                _features.AsynchronousEvents = value & SupportedEvents;
                controller.Media.AnnounceFault(now);
                return NvmeStatus.Success;
            case FeatureId.Timestamp:
                _features.SetTimestamp(BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(command.Data, TimestampBytes)), now);
                return NvmeStatus.Success;
            case FeatureId.KeepAliveTimer:
                _features.KeepAliveMilliseconds = value;
                controller.State.RestartKeepAlive(now);
                return NvmeStatus.Success;
            case FeatureId.SoftwareProgressMarker:
                _features.SoftwareProgress = value & 0xFF;
                return NvmeStatus.Success;
            default:
                return SetHostIdentifier(command, value);
        }
    }

    public NvmeStatus Get(Command command, long now)
    {
        if (Select(command) == 3)
        {
            command.Result = Feature(command) == FeatureId.PowerManagement ? 0 : ChangeableBit;
            return NvmeStatus.Success;
        }

        bool wantsDefault = Select(command) != 0;
        switch (Feature(command))
        {
            case FeatureId.InterruptVectorConfiguration:
                uint vector = command.Entry.CommandDword11 & 0xFFFF;
                if (vector >= controller.Interrupts.VectorCount)
                {
                    return NvmeStatus.InvalidField;
                }

                bool isDisabled = !wantsDefault && _features.IsCoalescingDisabled((int)vector);
                command.Result = vector | (isDisabled ? 1u << 16 : 0);
                return NvmeStatus.Success;
            case FeatureId.TemperatureThreshold:
                return GetTemperatureThreshold(command, wantsDefault);
            case FeatureId.Timestamp:
                // Bits 47:0 milliseconds; then whether the clock ran all the time (0) and where it came from (1: set by the host).
                ulong timestamp = wantsDefault ? 0 : _features.Timestamp(now) | (_features.IsTimestampSet ? 1UL << 49 : 0);
                BinaryPrimitives.WriteUInt64LittleEndian(new Span<byte>(command.Data, TimestampBytes), timestamp);
                return NvmeStatus.Success;
            case FeatureId.HostIdentifier:
                if ((command.Entry.CommandDword11 & ExtendedHostIdentifierBit) == 0)
                {
                    return NvmeStatus.InvalidField;
                }

                BinaryPrimitives.WriteUInt128LittleEndian(new Span<byte>(command.Data, HostIdentifierBytes), wantsDefault ? 0 : _features.HostIdentifier);
                return NvmeStatus.Success;
            default:
                command.Result = wantsDefault ? Default(Feature(command)) : Current(Feature(command));
                return NvmeStatus.Success;
        }
    }

    private static FeatureId Feature(Command command) => (FeatureId)(byte)command.Entry.CommandDword10;

    private static int Select(Command command) => (int)(command.Entry.CommandDword10 >> 8 & 7);

    private static int DataBytes(Command command) => Feature(command) switch
    {
        FeatureId.Timestamp => TimestampBytes,
        FeatureId.HostIdentifier => HostIdentifierBytes,
        _ => 0,
    };

    private bool IsSupported(FeatureId feature) => feature switch
    {
        FeatureId.Arbitration or FeatureId.PowerManagement or FeatureId.TemperatureThreshold or FeatureId.ErrorRecovery
            or FeatureId.NumberOfQueues or FeatureId.InterruptCoalescing or FeatureId.InterruptVectorConfiguration
            or FeatureId.WriteAtomicityNormal or FeatureId.AsynchronousEventConfiguration or FeatureId.Timestamp
            or FeatureId.KeepAliveTimer or FeatureId.SoftwareProgressMarker or FeatureId.HostIdentifier => true,
        FeatureId.VolatileWriteCache => media.HasVolatileWriteCache,
        _ => false,
    };

    private uint Current(FeatureId feature) => feature switch
    {
        FeatureId.Arbitration => _features.Arbitration,
        FeatureId.ErrorRecovery => _features.ErrorRecovery,
        FeatureId.VolatileWriteCache => _features.WriteCacheEnabled ? 1u : 0,
        FeatureId.NumberOfQueues => _features.NumberOfQueues,
        FeatureId.InterruptCoalescing => _features.Coalescing,
        FeatureId.WriteAtomicityNormal => _features.WriteAtomicity,
        FeatureId.AsynchronousEventConfiguration => _features.AsynchronousEvents,
        FeatureId.KeepAliveTimer => _features.KeepAliveMilliseconds,
        FeatureId.SoftwareProgressMarker => _features.SoftwareProgress,
        _ => 0,
    };

    private uint Default(FeatureId feature) => feature switch
    {
        FeatureId.Arbitration => FeatureStore.DefaultArbitration,
        FeatureId.VolatileWriteCache => _features.DefaultWriteCache,
        FeatureId.NumberOfQueues => _features.AllQueues,
        _ => 0,
    };

    // Section 5.21.1.7: the counts are asked for and granted zero-based; only before the first I/O queue.
    private NvmeStatus SetNumberOfQueues(Command command, uint value)
    {
        uint submission = value & 0xFFFF;
        uint completion = value >> 16;
        if (submission == 0xFFFF || completion == 0xFFFF)
        {
            return NvmeStatus.InvalidField;
        }

        for (int id = 1; id < controller.Queues.Count; id++)
        {
            if (controller.Queues.FindCompletion(id) is not null || controller.Queues.FindSubmission(id) is not null)
            {
                return NvmeStatus.CommandSequenceError;
            }
        }

        uint most = _features.AllQueues & 0xFFFF;
        _features.NumberOfQueues = Math.Min(completion, most) << 16 | Math.Min(submission, most);
        command.Result = _features.NumberOfQueues;
        return NvmeStatus.Success;
    }

    // Section 5.21.1.4: TMPTH 15:0, TMPSEL 19:16 (0 composite, 15 all), THSEL 21:20 (0 over, 1 under).
    private NvmeStatus SetTemperatureThreshold(uint value, long now)
    {
        if ((value >> 16 & 0xF) is not (0 or 0xF) || (value >> 20 & 3) > 1)
        {
            return NvmeStatus.InvalidField;
        }

        if ((value >> 20 & 3) == 0)
        {
            _features.OverTemperatureKelvin = (ushort)value;
        }
        else
        {
            _features.UnderTemperatureKelvin = (ushort)value;
        }

        const uint TemperatureEventBit = 1 << 1;
        const byte TemperatureThresholdEvent = 1;
        ushort temperature = HealthCounters.TemperatureKelvin;
        bool isCrossed = temperature >= _features.OverTemperatureKelvin || temperature <= _features.UnderTemperatureKelvin;
        if (isCrossed && (_features.AsynchronousEvents & TemperatureEventBit) != 0)
        {
            controller.Events.Raise(AsynchronousEventType.SmartHealth, TemperatureThresholdEvent, LogPageId.SmartHealth, now);
        }

        return NvmeStatus.Success;
    }

    private NvmeStatus GetTemperatureThreshold(Command command, bool wantsDefault)
    {
        uint which = command.Entry.CommandDword11;
        if ((which >> 16 & 0xF) != 0 || (which >> 20 & 3) > 1)
        {
            return NvmeStatus.InvalidField;
        }

        bool isOver = (which >> 20 & 3) == 0;
        command.Result = wantsDefault
            ? isOver ? FeatureStore.DefaultOverTemperatureKelvin : 0u
            : isOver ? _features.OverTemperatureKelvin : _features.UnderTemperatureKelvin;
        return NvmeStatus.Success;
    }

    private NvmeStatus SetHostIdentifier(Command command, uint value)
    {
        if ((value & ExtendedHostIdentifierBit) == 0)
        {
            return NvmeStatus.InvalidField;
        }

        _features.HostIdentifier = BinaryPrimitives.ReadUInt128LittleEndian(new ReadOnlySpan<byte>(command.Data, HostIdentifierBytes));
        return NvmeStatus.Success;
    }
}
