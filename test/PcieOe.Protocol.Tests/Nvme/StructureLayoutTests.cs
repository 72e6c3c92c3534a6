using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.Protocol.Tests.Nvme;

/// <summary>Sizes and offsets of the structures that lie in host memory, against the figures of the NVMe base specification.</summary>
public sealed class StructureLayoutTests
{
    [Theory]
    [InlineData(typeof(SubmissionEntry), 64)]
    [InlineData(typeof(CompletionEntry), 16)]
    [InlineData(typeof(SglDescriptor), 16)]
    [InlineData(typeof(IdentifyController), 4096)]
    [InlineData(typeof(IdentifyNamespace), 4096)]
    [InlineData(typeof(LbaFormat), 4)]
    [InlineData(typeof(DatasetManagementRange), 16)]
    [InlineData(typeof(ErrorLogEntry), 64)]
    [InlineData(typeof(SmartLog), 512)]
    public void Structure_InMemory_HasTheSpecifiedSize(Type type, int expected) => Assert.Equal(expected, Marshal.SizeOf(type));

    [Fact]
    public void SubmissionEntry_Fields_LieWhereTheSpecificationPutsThem()
    {
        SubmissionEntry entry = default;
        Assert.Equal(2, Offset(ref entry, ref entry.CommandId));
        Assert.Equal(4, Offset(ref entry, ref entry.NamespaceId));
        Assert.Equal(16, Offset(ref entry, ref entry.MetadataPointer));
        Assert.Equal(24, Offset(ref entry, ref entry.Prp1));
        Assert.Equal(24, Offset(ref entry, ref entry.Sgl));
        Assert.Equal(32, Offset(ref entry, ref entry.Prp2));
        Assert.Equal(40, Offset(ref entry, ref entry.StartingLba));
        Assert.Equal(60, Offset(ref entry, ref entry.CommandDword15));
    }

    [Fact]
    public void CompletionEntry_Fields_LieWhereTheSpecificationPutsThem()
    {
        CompletionEntry entry = default;
        Assert.Equal(8, Offset(ref entry, ref entry.SubmissionQueueHead));
        Assert.Equal(10, Offset(ref entry, ref entry.SubmissionQueueId));
        Assert.Equal(12, Offset(ref entry, ref entry.CommandId));
        Assert.Equal(14, Offset(ref entry, ref entry.StatusField));
    }

    [Fact]
    public void CompletionEntry_StatusField_RoundTrips()
    {
        var entry = new CompletionEntry { StatusField = CompletionEntry.MakeStatusField(NvmeStatus.CompareFailure, CompletionEntry.DoNotRetryBit, true) };
        Assert.Equal(NvmeStatus.CompareFailure, entry.Status);
        Assert.True(entry.Phase);
        Assert.True(entry.DoNotRetry);
        Assert.Equal(0x850B, entry.StatusField);
    }

    [Fact]
    public void IdentifyController_Fields_LieWhereTheSpecificationPutsThem()
    {
        IdentifyController data = default;
        Assert.Equal(4, Offset(ref data, ref data.SerialNumber));
        Assert.Equal(24, Offset(ref data, ref data.ModelNumber));
        Assert.Equal(64, Offset(ref data, ref data.FirmwareRevision));
        Assert.Equal(77, Offset(ref data, ref data.MaximumDataTransferSize));
        Assert.Equal(78, Offset(ref data, ref data.ControllerId));
        Assert.Equal(256, Offset(ref data, ref data.OptionalAdminCommands));
        Assert.Equal(266, Offset(ref data, ref data.WarningTemperatureKelvin));
        Assert.Equal(280, Offset(ref data, ref data.TotalCapacityBytes));
        Assert.Equal(516, Offset(ref data, ref data.NumberOfNamespaces));
        Assert.Equal(520, Offset(ref data, ref data.OptionalNvmCommands));
        Assert.Equal(525, Offset(ref data, ref data.VolatileWriteCache));
        Assert.Equal(536, Offset(ref data, ref data.SglSupport));
        Assert.Equal(2048, Offset(ref data, ref data.PowerState0MaximumPower));
    }

    [Fact]
    public void IdentifyNamespace_Fields_LieWhereTheSpecificationPutsThem()
    {
        IdentifyNamespace data = default;
        Assert.Equal(26, Offset(ref data, ref data.FormattedLbaSize));
        Assert.Equal(33, Offset(ref data, ref data.DeallocateFeatures));
        Assert.Equal(48, Offset(ref data, ref data.AllocatedBytes));
        Assert.Equal(64, Offset(ref data, ref data.PreferredWriteGranularity));
        Assert.Equal(104, Offset(ref data, ref data.GloballyUniqueId));
        Assert.Equal(128, Offset(ref data, ref data.Formats));
        data.Formats[1].DataSizeExponent = 12;
        data.FormattedLbaSize = 1;
        Assert.Equal(4096, data.BlockBytes);
        data.Formats[1].DataSizeExponent = 200;
        Assert.Equal(0, data.BlockBytes);
    }

    [Fact]
    public void LogPages_Fields_LieWhereTheSpecificationPutsThem()
    {
        ErrorLogEntry error = default;
        Assert.Equal(14, Offset(ref error, ref error.ParameterErrorLocation));
        Assert.Equal(24, Offset(ref error, ref error.NamespaceId));
        SmartLog smart = default;
        Assert.Equal(1, Offset(ref smart, ref smart.CompositeTemperatureKelvin));
        Assert.Equal(32, Offset(ref smart, ref smart.DataUnitsRead));
        Assert.Equal(176, Offset(ref smart, ref smart.ErrorLogEntries));
    }

    [Fact]
    public void Capabilities_Created_ReadBack()
    {
        var capabilities = ControllerCapabilities.Create(2048, 255, memoryBuffer: true);
        Assert.Equal(2048, capabilities.MaximumQueueEntries);
        Assert.True(capabilities.ContiguousQueuesRequired);
        Assert.Equal(255, capabilities.TimeoutHalfSeconds);
        Assert.Equal(0, capabilities.DoorbellStrideExponent);
        Assert.True(capabilities.SubsystemResetSupported);
        Assert.Equal(4096, capabilities.MinimumPageBytes);
        Assert.Equal(4096, capabilities.MaximumPageBytes);
        Assert.True(capabilities.MemoryBufferSupported);
        Assert.Equal(0x0200_0030_FF01_07FFUL, capabilities.Value);
    }

    [Fact]
    public void Doorbells_OfQueues_LieAlternately()
    {
        Assert.Equal(0x1000, NvmeRegister.SubmissionDoorbell(0, 0));
        Assert.Equal(0x1004, NvmeRegister.CompletionDoorbell(0, 0));
        Assert.Equal(0x1018, NvmeRegister.SubmissionDoorbell(3, 0));
        Assert.Equal(0x1000 + 7 * 16, NvmeRegister.CompletionDoorbell(3, 2));
    }

    private static int Offset<TStructure, TField>(ref TStructure structure, ref TField field) =>
        (int)Unsafe.ByteOffset(ref Unsafe.As<TStructure, byte>(ref structure), ref Unsafe.As<TField, byte>(ref field));
}
