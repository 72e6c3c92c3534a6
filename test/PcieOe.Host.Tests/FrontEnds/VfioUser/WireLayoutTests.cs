using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.VfioUser.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Wire;
using PcieOe.Host.Interop;
using Xunit;
using MessageHeader = PcieOe.Host.FrontEnds.VfioUser.Wire.MessageHeader;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class WireLayoutTests
{
    [Fact]
    public void Messages_AsTheSpecificationLaysThemOut_HaveTheseSizes()
    {
        AssertSize<MessageHeader>(16, MessageHeader.Bytes);
        AssertSize<VersionMessage>(4, VersionMessage.Bytes);
        AssertSize<DmaMapMessage>(32, DmaMapMessage.Bytes);
        AssertSize<DmaUnmapMessage>(24, DmaUnmapMessage.Bytes);
        AssertSize<DmaAccessMessage>(16, DmaAccessMessage.Bytes);
        AssertSize<DeviceInfoMessage>(16, DeviceInfoMessage.Bytes);
        AssertSize<RegionInfoMessage>(32, RegionInfoMessage.Bytes);
        AssertSize<SparseMapCapability>(16, SparseMapCapability.Bytes);
        AssertSize<SparseMapArea>(16, SparseMapArea.Bytes);
        AssertSize<RegionIoDescriptorsMessage>(16, RegionIoDescriptorsMessage.Bytes);
        AssertSize<RegionAccessMessage>(16, RegionAccessMessage.Bytes);
        AssertSize<InterruptInfoMessage>(16, InterruptInfoMessage.Bytes);
        AssertSize<InterruptSetMessage>(20, InterruptSetMessage.Bytes);
    }

    [Fact]
    public void Messages_AsTheSpecificationLaysThemOut_HaveTheseOffsets()
    {
        AssertOffsets<MessageHeader>(("Id", 0), ("Command", 2), ("Size", 4), ("Flags", 8), ("Error", 12));
        AssertOffsets<DmaMapMessage>(("ArgumentSize", 0), ("Flags", 4), ("FileOffset", 8), ("Address", 16), ("Length", 24));
        AssertOffsets<DmaUnmapMessage>(("ArgumentSize", 0), ("Flags", 4), ("Address", 8), ("Length", 16));
        AssertOffsets<DmaAccessMessage>(("Address", 0), ("Count", 8));
        AssertOffsets<DeviceInfoMessage>(("ArgumentSize", 0), ("Flags", 4), ("Regions", 8), ("Interrupts", 12));
        AssertOffsets<RegionInfoMessage>(("ArgumentSize", 0), ("Flags", 4), ("Index", 8), ("CapabilityOffset", 12), ("Length", 16), ("FileOffset", 24));
        AssertOffsets<SparseMapCapability>(("Id", 0), ("Version", 2), ("Next", 4), ("Areas", 8), ("Reserved", 12));
        AssertOffsets<RegionAccessMessage>(("Offset", 0), ("Region", 8), ("Count", 12));
        AssertOffsets<InterruptSetMessage>(("ArgumentSize", 0), ("Flags", 4), ("Index", 8), ("Start", 12), ("Count", 16));
    }

    [Fact]
    public void Commands_AreFrozen()
    {
        Assert.Equal(
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18],
            Enum.GetValues<Command>().Select(static command => (int)command));
    }

    [Fact]
    public void KernelStructures_AsTheKernelLaysThemOut_HaveTheseSizes()
    {
        Assert.Equal(56, Unsafe.SizeOf<Host.Interop.MessageHeader>());
        Assert.Equal(16, Unsafe.SizeOf<ControlHeader>());
        Assert.Equal(16, Unsafe.SizeOf<BufferVector>());
        Assert.Equal(8, Unsafe.SizeOf<PollEntry>());
        Assert.Equal(16, Unsafe.SizeOf<TimeSpecification>());
        Assert.Equal(256, Unsafe.SizeOf<FileStatus>());
        Assert.Equal(120, Unsafe.SizeOf<FileSystemInformation>());
        Assert.Equal(110, Unsafe.SizeOf<UnixSocketAddress>());
    }

    [Fact]
    public void RingRecords_AreAsLongAsTheySay()
    {
        AssertSize<FunctionRequest>(56, FunctionRequest.Bytes);
        AssertSize<FunctionAnswer>(40, FunctionAnswer.Bytes);
        AssertSize<ClientMemoryRequest>(32, ClientMemoryRequest.Bytes);
    }

    private static void AssertSize<T>(int expected, int declared)
    {
        Assert.Equal(expected, Unsafe.SizeOf<T>());
        Assert.Equal(expected, declared);
    }

    private static void AssertOffsets<T>(params (string Name, int Offset)[] fields)
    {
        Assert.Equal(fields.Length, typeof(T).GetFields().Count(static field => !field.IsStatic));
        foreach ((string name, int offset) in fields)
        {
            Assert.Equal(offset, (int)Marshal.OffsetOf<T>(name));
        }
    }
}
